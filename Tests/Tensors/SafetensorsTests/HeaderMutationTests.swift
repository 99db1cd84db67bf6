import Elements
import Failures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Mutants of a valid header")
struct HeaderMutationTests {
  /// Pieces that matter to the grammar, to sizes or to text.
  static let pieces = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0061", "\\ud83d\\ude00", "\\ud800", "null", "0",
    "-1", "4", "8", "12", "1e3", "9223372036854775807", "18446744073709551615", " ", "\n", "é",
    "\"dtype\"", "\"F4\"", "\"BF16\"", "\"shape\"", "[0]", "[0,0]", "[2,2]", "\"data_offsets\"",
    "\"__metadata__\"", "\"a\"", "{\"x\":[]}",
  ].map { Array($0.utf8) }

  static let header =
    #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
    + #""b":{"dtype":"U8","shape":[2,2],"data_offsets":[8,12]},"c":{"dtype":"F16","shape":[],"#
    + #""data_offsets":[12,14]},"d":{"dtype":"I64","shape":[0],"data_offsets":[14,14]}}"#

  /// 20 runs of 1,000, so that a failure names its seed.
  @Test(arguments: 0..<20)
  func areRefusedOrSound(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let folder = try TemporaryFolder()
    var accepted = 0
    for _ in 0..<1000 {
      let header = HeaderMutationTests.mutant(&random)
      let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
      let path = try folder.write(
        length + header + [UInt8](repeating: 7, count: 14), to: "m.safetensors")
      do {
        let file = try SafetensorsFile(opening: path)
        accepted += 1
        HeaderMutationTests.checkLayout(of: file, dataStart: 8 + header.count)
      } catch let error as any ClassifiedError {
        #expect(error.failureKind == .wrongData, "\(error)")
      }
    }
    // Some mutations change only a name or white space.
    #expect(accepted > 0 && accepted < 1000)
  }

  /// Computed apart from the reader: every byte of the data belongs to exactly one tensor.
  private static func checkLayout(of file: SafetensorsFile, dataStart: Int) {
    var owners = [Int](repeating: 0, count: 14)
    for tensor in file.tensors {
      let start = (tensor.fileOffset ?? -1) - dataStart
      #expect(start >= 0 && start + tensor.byteCount <= 14)
      let bits = tensor.shape.reduce(tensor.dtype.bitCount, *)
      #expect(bits == tensor.byteCount * 8)
      for byte in start..<start + tensor.byteCount where owners.indices.contains(byte) {
        owners[byte] += 1
      }
      #expect(tensor.bytes.byteCount == tensor.byteCount)
    }
    #expect(owners.allSatisfy { $0 == 1 }, "\(owners)")
    #expect(Set(file.tensors.map { Array($0.name.utf8) }).count == file.tensors.count)
  }

  private static func mutant(_ random: inout SplitMix) -> [UInt8] {
    var header = Array(header.utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let position = Int.random(in: 0..<header.count, using: &random)
      let end = min(header.count, position + Int.random(in: 0...12, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: header[position] = UInt8.random(in: 0...255, using: &random)
      case 1: header.removeSubrange(position..<end)
      case 2: header.insert(contentsOf: header[position..<end], at: position)
      case 3: header.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: position)
      case 4:
        // A digit for a digit keeps the grammar and changes sizes.
        let digits = header.indices.filter { 0x30...0x39 ~= header[$0] }
        if let digit = digits.randomElement(using: &random) {
          header[digit] = UInt8.random(in: 0x30...0x39, using: &random)
        }
      default:
        header.replaceSubrange(position..<end, with: pieces.randomElement(using: &random) ?? [])
      }
      if header.isEmpty { header = [0x7B] }
    }
    return header
  }
}

/// Numbers that depend on the seed alone.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA'14).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
