import Evaluation
import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("The checker of the shipped models' world")
struct CheckerTests {
  private let checker: Checker
  /// What PyTorch made of the same pictures: tools/record-checker-goldens.
  private let recording: JSONValue

  init() throws {
    checker = try Checker(
      reading: Fixtures.model("world").appending("checker.safetensors"))
    recording = try JSONValue(
      parsing: Fixtures.text(Fixtures.folder.appending("evaluation").appending("checker.json")))
  }

  private static func picture(_ name: String) throws -> Picture {
    if name == "sample" {
      return try Picture(reading: Fixtures.model("sample").appending("00.png"))
    }
    let side = name == "pattern-48" ? 48 : 96
    let pixels = (0..<3 * side * side).map { place -> UInt8 in
      let (x, y) = (place / 3 % side, place / 3 / side)
      return UInt8((7 * x + 3 * y + 50 * (place % 3) + x * y / 16) % 256)
    }
    return Picture(width: side, height: side, pixels: pixels)
  }

  @Test("gives PyTorch's logits", arguments: ["sample", "pattern-48", "pattern-96"])
  func logits(name: String) throws {
    let expected = try #require(recording[name]?.array).map { head in
      (head.array ?? []).compactMap(\.double)
    }
    let found = checker.logits(of: try Self.picture(name))
    #expect(found.map(\.count) == expected.map(\.count))
    for (own, recorded) in zip(found.joined(), expected.joined()) {
      // float32 sums of up to 2304 terms in another order, of logits up to 40.
      #expect(abs(Double(own) - recorded) < 2e-4)
    }
  }

  @Test("reads the one sample: a small blue circle right of a small red square on cyan")
  func classes() throws {
    // horizontal, cyan, (small, red, square) on the left, (small, blue, circle) on the right: the
    // lists at the top of the world's make_data.py.
    #expect(checker.classes(of: try Self.picture("sample")) == [5, 3, 0, 0, 1, 0, 2, 0])
  }
}
