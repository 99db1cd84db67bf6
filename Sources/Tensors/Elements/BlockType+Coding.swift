internal import CKernels

/// Encodes float32 elements in blocks: those of Qn_0 and Qn_1 are byte for byte what ggml's Python
/// library writes, those of Qn_K come from a search for the least squared error.
///
/// - Parameters:
///   - values: whole blocks of elements, in the order of a row.
///   - type: one for which ``BlockType/isEncodable`` holds.
///   - output: the bytes of as many blocks.
public func encode(
  _ values: Span<Float>, as type: BlockType, into output: inout MutableRawSpan
) {
  let count = values.count / type.elementCount
  precondition(
    count * type.elementCount == values.count && count * type.byteCount == output.byteCount,
    "sizes must agree")
  guard let kernel = unsafe type.encoder else {
    preconditionFailure("float32 can't be stored as \(type.name)")
  }
  unsafe values.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      unsafe kernel(from, to, count)
    }
  }
}

/// Decodes blocks to float32, bit for bit as ggml's Python library does.
///
/// - Parameters:
///   - bytes: whole blocks; need not be aligned.
///   - type: one for which ``BlockType/isDecodable`` holds.
///   - output: as many elements as the blocks hold, in four bytes each; need not be aligned.
package func decode(_ bytes: RawSpan, from type: BlockType, into output: inout MutableRawSpan) {
  let count = bytes.byteCount / type.byteCount
  precondition(
    count * type.byteCount == bytes.byteCount && count * type.elementCount * 4 == output.byteCount,
    "sizes must agree")
  guard let kernel = unsafe type.decoder else {
    preconditionFailure("\(type.name) can't be decoded")
  }
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      unsafe kernel(from, to, count)
    }
  }
}

/// Decodes blocks to float32; see ``decode(_:from:into:)``.
public func decode(_ bytes: RawSpan, from type: BlockType, into output: inout MutableSpan<Float>) {
  var raw = unsafe output.mutableBytes
  decode(bytes, from: type, into: &raw)
}

extension Encoding {
  /// Converts stored elements to float32: exact for every type but F64, which is rounded to nearest.
  ///
  /// - Parameters:
  ///   - bytes: whole groups, little-endian, not necessarily aligned.
  ///   - output: as many elements as `bytes` holds.
  package func widen(_ bytes: RawSpan, into output: inout MutableSpan<Float>) {
    switch self {
    case .elements(let dtype): Elements.widen(bytes, from: dtype, into: &output)
    case .blocks(let type): decode(bytes, from: type, into: &output)
    }
  }
}

extension BlockType {
  /// From where, to where, how many blocks.
  fileprivate typealias Kernel = (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

  /// Whether ``decode(_:from:into:)`` takes this type.
  public var isDecodable: Bool { unsafe decoder != nil }
  /// Whether ``encode(_:as:into:)`` takes this type.
  public var isEncodable: Bool { unsafe encoder != nil }

  fileprivate var decoder: Kernel? {
    switch self {
    case .q80: unsafe ck_q8_0_to_f32
    case .q40: unsafe ck_q4_0_to_f32
    case .q41: unsafe ck_q4_1_to_f32
    case .q50: unsafe ck_q5_0_to_f32
    case .q51: unsafe ck_q5_1_to_f32
    case .q2K: unsafe ck_q2_k_to_f32
    case .q3K: unsafe ck_q3_k_to_f32
    case .q4K: unsafe ck_q4_k_to_f32
    case .q5K: unsafe ck_q5_k_to_f32
    case .q6K: unsafe ck_q6_k_to_f32
    default: nil
    }
  }

  fileprivate var encoder: Kernel? {
    switch self {
    case .q80: unsafe ck_f32_to_q8_0
    case .q40: unsafe ck_f32_to_q4_0
    case .q41: unsafe ck_f32_to_q4_1
    case .q50: unsafe ck_f32_to_q5_0
    case .q51: unsafe ck_f32_to_q5_1
    case .q4K: unsafe ck_f32_to_q4_k
    case .q5K: unsafe ck_f32_to_q5_k
    case .q6K: unsafe ck_f32_to_q6_k
    default: nil
    }
  }
}
