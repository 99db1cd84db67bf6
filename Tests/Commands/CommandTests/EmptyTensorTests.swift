import SystemPackage
import TestSupport
import Testing

/// Sizes of an empty tensor whose product without the 0 is beyond any integer.
@Suite("An empty tensor of immense sizes")
struct EmptyTensorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file of one tensor without bytes.
  private func file(_ shape: String) throws -> String {
    let header = Array("{\"a\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[0,0]}}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return try folder.write(length + header, to: "a.safetensors").string
  }

  @Test(
    "is inspected and converted like any other",
    arguments: [
      "[4611686018427387904,2,0]", "[0,4611686018427387904,4]", "[9223372036854775807,0]",
    ])
  func sizes(shape: String) throws {
    let input = try file(shape)
    for options in [["--stats"], ["--check"], ["--tensors"], ["--diff", input]] {
      let outcome = try BuiltCommand("glance-inspect").run([input] + options)
      #expect(outcome.status == 0, "\(options): \(outcome.errors)")
    }
    let output = folder.path.appending("b.safetensors")
    let outcome = try BuiltCommand("glance-convert").run([input, "--output", output.string])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try contents(of: output).count > 8)
  }
}
