import Elements
import GGUF
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Blocks of quantised elements")
struct QuantizationTests {
  static func fixture(_ name: String) throws -> SafetensorsFile {
    try SafetensorsFile(opening: Fixtures.folder.appending("gguf").appending(name))
  }

  static func type(_ name: String) throws -> GGUFType { try #require(GGUFType(name: name)) }

  static func quantized(_ values: [Float], _ type: GGUFType) throws -> [UInt8] {
    let count = type.encoding.byteCount(elements: values.count)
    var bytes = [UInt8](repeating: 0xA5, count: count)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    switch type.encoding {
    case .elements(let dtype): narrow(values.span, to: dtype, into: &raw)
    case .blocks(let type): encode(values.span, as: type, into: &raw)
    }
    return bytes
  }

  static func dequantized(_ bytes: [UInt8], _ type: GGUFType) -> [Float] {
    var values = [Float](
      repeating: .nan, count: bytes.count / blockBytes(type) * type.blockElements)
    var span = values.mutableSpan
    unsafe type.encoding.widen(bytes.span.bytes, into: &span)
    return values
  }

  static func blockBytes(_ type: GGUFType) -> Int {
    type.encoding.byteCount(elements: type.blockElements)
  }

  static func bytes(_ tensor: TensorView) -> [UInt8] {
    unsafe tensor.bytes.withUnsafeBytes { unsafe Array($0) }
  }

  @Test func sizesAreThoseOfTheLibrary() throws {
    let text = try Fixtures.text(Fixtures.folder.appending("gguf/types.json"))
    let types = try #require(JSONValue(parsing: text)["types"]?.array)
    #expect(types.count == GGUFType.allCases.count)
    for entry in types {
      let type = try QuantizationTests.type(entry["name"]?.string ?? "")
      #expect(Int(type.rawValue) == entry["number"]?.integer)
      #expect(type.blockElements == entry["elements"]?.integer)
      // The library counts 40 bytes for Q8_1; in ggml itself it has two halves: 36. It is in no file.
      #expect(type == .q81 || QuantizationTests.blockBytes(type) == entry["bytes"]?.integer)
    }
  }

  @Test(
    "decoded bit for bit as by the library",
    arguments: ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"])
  func decoding(name: String) throws {
    try checkDecoding(name, file: "dequantize.safetensors")
  }

  @Test(
    "whose codes are looked up are decoded bit for bit as by the library",
    arguments: [
      "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS",
      "MXFP4", "NVFP4", "TQ1_0", "TQ2_0", "Q1_0",
    ])
  func lookingUp(name: String) throws {
    try checkDecoding(name, file: "lookup.safetensors")
  }

  /// The only types that are refused are those of activations.
  @Test func allTypesOfFilesAreDecoded() {
    #expect(BlockType.allCases.filter { !$0.isDecodable } == [.q81, .q8K])
  }

  private func checkDecoding(_ name: String, file: String) throws {
    let file = try QuantizationTests.fixture(file)
    let blocks = try QuantizationTests.bytes(file.tensor(named: "\(name).blocks"))
    let expected = try file.tensor(named: "\(name).values").floats()
    let found = QuantizationTests.dequantized(blocks, try QuantizationTests.type(name))
    #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test(
    "encoded byte for byte as by the library",
    arguments: ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
  func encoding(name: String) throws {
    try check(name, file: "quantize.safetensors")
  }

  @Test(
    "encoded with searched scales byte for byte as by ggml",
    arguments: ["Q4_K", "Q5_K", "Q6_K", "IQ4_NL"])
  func searching(name: String) throws {
    try check(name, file: "search.safetensors")
  }

  private func check(_ name: String, file: String) throws {
    let file = try QuantizationTests.fixture(file)
    let type = try QuantizationTests.type(name)
    let rows = try file.tensor(named: "values")
    let found = try QuantizationTests.quantized(rows.floats(), type)
    let expected = try QuantizationTests.bytes(file.tensor(named: "\(name).blocks"))
    let rowByteCount = expected.count / rows.shape[0]
    for row in 0..<rows.shape[0] {
      let range = row * rowByteCount..<(row + 1) * rowByteCount
      #expect(found[range] == expected[range], "row \(row)")
    }
  }

  /// Blocks are searched some at a time; how many are asked for must not matter.
  @Test(arguments: [GGUFType.q4K, .q5K, .q6K, .iq4NL])
  func blocksDoNotDependOnEachOther(type: GGUFType) throws {
    let size = QuantizationTests.blockBytes(type)
    let values = try QuantizationTests.fixture("search.safetensors").tensor(named: "values")
      .floats()
    let length = type.blockElements
    let whole = try QuantizationTests.quantized(values, type)
    for block in 0..<values.count / length {
      let one = try QuantizationTests.quantized(
        Array(values[block * length..<(block + 1) * length]), type)
      #expect(one == Array(whole[block * size..<(block + 1) * size]))
    }
  }

  /// What isn't finite must not come back as a number.
  @Test(
    arguments: BlockType.allCases.filter(\.isEncodable).compactMap { GGUFType(.blocks($0)) },
    [Float.infinity, -.infinity, .nan])
  func whatIsNotFiniteStaysSo(type: GGUFType, value: Float) throws {
    let count = type.blockElements * 3
    var values = (0..<count).map { Float($0 % 7) - 3 }
    let usual = QuantizationTests.dequantized(try QuantizationTests.quantized(values, type), type)
    let position = type.blockElements + 5
    values[position] = value
    let found = QuantizationTests.dequantized(try QuantizationTests.quantized(values, type), type)
    #expect(!found[position].isFinite)
    for index in 0..<count where index / type.blockElements != 1 {
      #expect(found[index] == usual[index])
    }
  }
}
