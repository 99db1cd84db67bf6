import Elements
import SystemPackage
import Tensors
import TestSupport

/// Numbers that depend on the seed alone.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA'14).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

/// Bytes that look like weights: about normal bfloat16 for two-byte types, small numbers else.
func weightBytes(_ byteCount: Int, seed: UInt64) -> [UInt8] {
  var random = SplitMix(state: seed)
  var bytes: [UInt8] = []
  bytes.reserveCapacity(byteCount + 1)
  while bytes.count < byteCount {
    let word = random.next()
    let sum =
      Int(word & 0xFFFF) + Int(word >> 16 & 0xFFFF) + Int(word >> 32 & 0xFFFF) + Int(word >> 48)
    let pattern = UInt16((Float(sum - 131_070) * 5e-7).bitPattern >> 16)
    bytes += [UInt8(truncatingIfNeeded: pattern), UInt8(pattern >> 8)]
  }
  return Array(bytes.prefix(byteCount))
}

/// A tensor of these bytes.
func tensor(_ name: String, _ dtype: DType, _ shape: [Int], _ bytes: [UInt8]) -> TensorView {
  unsafe TensorView(name: name, dtype: dtype, shape: shape, copying: bytes.span.bytes)
}

/// A safetensors file put together by hand: header as given, data behind it.
func rawFile(_ header: String, _ data: [UInt8]) -> [UInt8] {
  let text = Array(header.utf8)
  return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + data
}

extension TensorView {
  /// A copy of some of the bytes.
  func copy(_ range: Range<Int>) throws -> [UInt8] {
    try withBytes(range) { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
  }
}
