internal import CKernels

/// Encodes float32 elements in blocks: those of F32, F16, BF16, Qn_0 and Qn_1 are byte for byte what
/// ggml's Python library writes, those of Qn_K come from a search for the least squared error.
///
/// - Parameters:
///   - values: whole blocks of elements, in the order of a row.
///   - type: one for which ``GGUFType/isQuantizable`` holds.
///   - output: the bytes of as many blocks.
public func quantize(
  _ values: Span<Float>, to type: GGUFType, into output: inout MutableRawSpan
) {
  precondition(
    type.byteCount(elements: values.count) == output.byteCount, "sizes must agree")
  if let dtype = type.floatDType { return narrow(values, to: dtype, into: &output) }
  guard let kernel = unsafe type.encoder else {
    preconditionFailure("float32 can't be quantised to \(type.name)")
  }
  let count = values.count / type.blockElements
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
///   - type: one for which ``GGUFType/isDequantizable`` holds.
///   - output: as many elements as the blocks hold.
public func dequantize(
  _ bytes: RawSpan, from type: GGUFType, into output: inout MutableSpan<Float>
) {
  precondition(type.byteCount(elements: output.count) == bytes.byteCount, "sizes must agree")
  if let dtype = type.floatDType { return widen(bytes, from: dtype, into: &output) }
  var raw = unsafe output.mutableBytes
  decodeBlocks(bytes, from: type, into: &raw)
}

/// Decodes blocks to the bytes of float32 elements, which need not be aligned.
package func decodeBlocks(_ bytes: RawSpan, from type: GGUFType, into output: inout MutableRawSpan)
{
  guard let kernel = unsafe type.decoder else {
    preconditionFailure("\(type.name) can't be dequantised")
  }
  let count = bytes.byteCount / type.blockBytes
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      unsafe kernel(from, to, count)
    }
  }
}

extension GGUFType {
  /// From where, to where, how many blocks.
  fileprivate typealias Kernel = (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

  /// Whether ``dequantize(_:from:into:)`` takes this type.
  public var isDequantizable: Bool { unsafe floatDType != nil || decoder != nil }
  /// Whether ``quantize(_:to:into:)`` takes this type.
  public var isQuantizable: Bool { unsafe floatDType != nil || encoder != nil }

  /// The types of single elements that quantising and dequantising take too.
  private var isFloat: Bool { self == .f32 || self == .f16 || self == .bf16 }
  fileprivate var floatDType: DType? { isFloat ? dtype : nil }

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
