import Elements
import Inspection
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Codes with scales, and blocks, count as the numbers that they stand for.
@Suite("Inspecting stored numbers")
struct StoredNumbersTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ tensors: [TensorView], to name: String) throws -> FilePath {
    let path = folder.path.appending(name + ".safetensors")
    try writeSafetensors(tensors, to: path, overwrite: false)
    return path
  }

  private func difference(_ path: FilePath, _ other: FilePath) throws -> JSONValue {
    let inspection = try Inspected(of: path)
    var details = InspectionDetails()
    details.difference = try inspection.difference(from: Inspected(of: other))
    return try #require(inspection.json(details)["diff"])
  }

  private func codes(_ name: String, shape: [Int], _ code: (Int) -> UInt8) -> TensorView {
    let codes = (0..<shape.reduce(1, *)).map(code)
    return unsafe TensorView(name: name, dtype: .f8E4M3, shape: shape, copying: codes.span.bytes)
  }

  private func bytes(_ name: String, _ text: String) -> TensorView {
    unsafe TensorView(
      name: name, dtype: .u8, shape: [text.utf8.count], copying: Array(text.utf8).span.bytes)
  }

  /// Source: OCP 8-bit Floating Point Specification (OFP8) 1.0, E4M3.
  private func value(of code: UInt8) -> Float {
    let exponent = Int(code & 0x7F) >> 3
    let steps = Float(code & 7) + (exponent == 0 ? 0 : 8)
    let size = Float(sign: .plus, exponent: max(exponent, 1) - 10, significand: 1) * steps
    return code < 128 ? size : -size
  }

  /// gguf-py wrote the file, and decoded its blocks.
  @Test("finds no difference between gguf-py's blocks and what it decodes them to")
  func libraryBlocks() throws {
    let gguf = Fixtures.folder.appending("gguf")
    let diff = try difference(gguf.appending("library.gguf"), gguf.appending("library.safetensors"))
    #expect(diff["same_numbers"] == true && diff["total"]?["unequal"] == 0)
    let others = diff["stored_otherwise"]?.array ?? []
    #expect(
      others.compactMap { $0["dtype"]?.string }.sorted()
        == ["BF16", "F16", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
    #expect(others.allSatisfy { $0["other_dtype"] == "F32" })
    #expect(diff["identical_tensors"] == 1)
  }

  /// The recording rounds a scale to BF16, and the product too: each is off by 2^-9 of it at most.
  @Test("finds scaled codes as near to recorded weights as two roundings")
  func recordedScales() throws {
    let recorded = Fixtures.folder.appending("convert").appending("checkpoints")
    let diff = try difference(
      recorded.appending("scaled_fp8_legacy_to_bf16.safetensors"),
      recorded.appending("scaled_fp8_legacy_to_bf16.expected.safetensors"))
    #expect(diff["added"] == [] && diff["removed"] == [])
    let relative = diff["total"]?["relative"]?.double ?? .infinity
    #expect(relative > 0 && relative < 0x1p-8)
  }

  @Test("counts codes times one scale, and adds up those of a scale for every row")
  func scaledStatistics() throws {
    let shape = [300, 256]
    func code(_ index: Int) -> UInt8 {
      UInt8(truncatingIfNeeded: index * 7 % 0x7F + index % 2 * 128)
    }
    let one = TensorView(name: "a.weight_scale", shape: [], [0.75])
    let factors = (0..<300).map { 0x1p-3 + Float($0) * 0x1p-10 }
    let rows = TensorView(name: "b.scale_weight", shape: [300, 1], factors)
    let path = try write(
      [
        codes("a.weight", shape: shape, code), one,
        codes("b.weight", shape: shape, code), rows,
      ], to: "scaled")
    let found = try Inspected(of: path).statistics(matching: "*.weight")
    #expect(found.map(\.storage) == ["F8_E4M3 scaled", "F8_E4M3 scaled"])
    for (read, factor) in [(found[0], { _ in 0.75 }), (found[1], { factors[$0 / 256] })]
      as [(InspectionDetails.Reading, (Int) -> Float)]
    {
      let numbers = (0..<shape[0] * shape[1]).map { Double(value(of: code($0)) * factor($0)) }
      let statistics = try #require(read.statistics)
      let mean = numbers.reduce(0, +) / Double(numbers.count)
      let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)
      #expect(statistics.minimum == numbers.min() && statistics.maximum == numbers.max())
      #expect(statistics.zeroCount == numbers.count { $0 == 0 })
      #expect(statistics.smallCount == numbers.count { $0 != 0 && abs($0) < 0x1p-6 })
      #expect(abs((statistics.mean ?? .nan) - mean) < 1e-10)
      #expect(abs((statistics.standardDeviation ?? .nan) / variance.squareRoot() - 1) < 1e-12)
    }
  }

  @Test("takes equal codes with other scales for other numbers, and doubled ones for the same")
  func scales() throws {
    func checkpoint(_ name: String, exponent: UInt8, scale: Float, note: String) throws -> FilePath
    {
      try write(
        [
          codes("a.weight", shape: [4, 4]) { exponent << 3 + UInt8($0 % 8) },
          TensorView(name: "a.weight_scale", shape: [], [scale]),
          bytes("a.comfy_quant", "{\"format\": \"\(note)\"}"),
        ], to: name)
    }
    let first = try checkpoint("first", exponent: 7, scale: 0.5, note: "float8_e4m3fn")
    let again = try checkpoint("again", exponent: 7, scale: 0.5, note: "float8_e4m3fn")
    let scaled = try checkpoint("scaled", exponent: 7, scale: 0.25, note: "float8_e4m3fn")
    let doubled = try checkpoint("doubled", exponent: 8, scale: 0.25, note: "float8_e4m3fn")
    let same = try difference(first, again)
    #expect(same["identical"] == true && same["identical_tensors"] == 1)
    let other = try difference(first, scaled)
    #expect(other["same_numbers"] == false && other["changed"]?.array?.count == 1)
    // 0.5 · (1 + 7/8) - 0.25 · (1 + 7/8)
    #expect(other["total"]?["max"]?.double == 0.46875 && other["total"]?["unequal"] == 16)
    #expect(
      other["notes"]?.array?.compactMap(\.string) == [
        "\(first): 'a.weight_scale' and 1 more are no weight; weights are compared as the numbers "
          + "that they stand for, scales applied",
        "\(scaled): 'a.weight_scale' and 1 more are no weight; weights are compared as the numbers "
          + "that they stand for, scales applied",
        "'a.weight_scale' is not the same in both",
      ])
    let equal = try difference(first, doubled)
    #expect(equal["same_numbers"] == true && equal["identical"] == false)
    #expect(equal["stored_otherwise"]?.array?.count == 1 && equal["total"]?["norm"]?.double == 0)
  }

  @Test("keeps numbers exact that float32 doesn't hold")
  func wideTypes() throws {
    let doubles = [1.0, 1 + 0x1p-50, 3]
    let integers: [Int64] = [1 << 40, 5, -7]
    func wide(_ doubles: [Double], _ integers: [Int64]) -> [TensorView] {
      unsafe [
        TensorView(name: "f", dtype: .f64, shape: [3], copying: doubles.span.bytes),
        TensorView(name: "i", dtype: .i64, shape: [3], copying: integers.span.bytes),
      ]
    }
    let first = try write(wide(doubles, integers), to: "a")
    let second = try write(wide([1, 1, 3], [1 << 40 + 1, 5, -7]), to: "b")
    let diff = try difference(first, second)
    let changes = diff["changed"]?.array ?? []
    #expect(changes.compactMap { $0["difference"]?["max"]?.double } == [0x1p-50, 1])
    #expect(changes.allSatisfy { $0["difference"]?["unequal"] == 1 })
    // The same double against a float32: it is the one that is rounded that differs.
    let single = try write(
      [TensorView(name: "f", shape: [3], [1, 1, 3]), wide(doubles, integers)[1]], to: "c")
    #expect(try difference(first, single)["total"]?["max"]?.double == 0x1p-50)
  }

  @Test("says in words what is stored otherwise")
  func words() throws {
    let numbers: [Float] = [1, 2, -3, 0.5]
    let wide = TensorView(name: "w", shape: [2, 2], numbers)
    let first = try write([wide.cast(to: .bf16), TensorView(name: "v", shape: [1], [1])], to: "a")
    let second = try write([wide, TensorView(name: "v", shape: [1], [1])], to: "b")
    let run = try InspectCommandTests.command.run([first.string, "--diff", second.string])
    #expect(run.status == 0)
    #expect(
      run.output.contains(
        """
          identical     1 tensor
          same numbers  1 tensor, stored otherwise: BF16, F32 there (1)
          changed       0 tensors
          difference    0

        """))
  }
}
