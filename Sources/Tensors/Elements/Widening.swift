internal import CKernels

/// Widest instruction-set level the kernels use on the running processor.
public var cpuLevel: String { unsafe String(cString: ck_cpu_level()) }

/// Converts elements of a floating type to float32: exact for every type but F64, which is rounded
/// to nearest, ties to even.
///
/// - Parameters:
///   - bytes: the elements, little-endian, not necessarily aligned.
///   - dtype: their type; one for which ``DType/isWidenable`` holds.
///   - output: as many elements as `bytes` holds.
public func widen(_ bytes: RawSpan, from dtype: DType, into output: inout MutableSpan<Float>) {
  precondition(dtype.isWidenable, "\(dtype.rawValue) can't be widened to float32")
  precondition(bytes.byteCount * 8 == output.count * dtype.bitCount, "sizes must agree")
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      let count = destination.count
      switch dtype {
      case .f32: unsafe UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: count * 4)
      case .bf16: unsafe ck_bf16_to_f32(from.assumingMemoryBound(to: UInt16.self), to, count)
      case .f16: unsafe ck_f16_to_f32(from.assumingMemoryBound(to: UInt16.self), to, count)
      case .f8E4M3: unsafe ck_f8_e4m3_to_f32(from.assumingMemoryBound(to: UInt8.self), to, count)
      case .f8E5M2: unsafe ck_f8_e5m2_to_f32(from.assumingMemoryBound(to: UInt8.self), to, count)
      case .f64: unsafe ck_f64_to_f32(from, to, count)
      default: preconditionFailure("isWidenable lists a type that widen lacks")
      }
    }
  }
}

/// Rounds float32 elements to another floating type: nearest, ties to even; NaN stays NaN.
///
/// Beyond the largest finite number F16 and BF16 give an infinity, the eight-bit types that largest
/// number, also for an infinity: so do the tools whose files are read.
///
/// Source: Comfy-Org/ComfyUI, `comfy/float.py`, `stochastic_rounding` (clamps before the cast); and
/// PyTorch since 2.12, `c10/util/Float8_e4m3fn.h`.
///
/// - Parameters:
///   - input: the elements.
///   - dtype: the type to write; one for which ``DType/isWidenable`` holds.
///   - output: the bytes of as many elements, little-endian.
public func narrow(
  _ input: Span<Float>, to dtype: DType, into output: inout MutableRawSpan
) {
  precondition(dtype.isWidenable, "float32 can't be narrowed to \(dtype.rawValue)")
  precondition(output.byteCount * 8 == input.count * dtype.bitCount, "sizes must agree")
  unsafe input.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      let count = source.count
      switch dtype {
      case .f32: unsafe to.copyMemory(from: from, byteCount: count * 4)
      case .bf16: unsafe ck_f32_to_bf16(from, to.assumingMemoryBound(to: UInt16.self), count)
      case .f16: unsafe ck_f32_to_f16(from, to.assumingMemoryBound(to: UInt16.self), count)
      case .f8E4M3: unsafe ck_f32_to_f8_e4m3(from, to.assumingMemoryBound(to: UInt8.self), count)
      case .f8E5M2: unsafe ck_f32_to_f8_e5m2(from, to.assumingMemoryBound(to: UInt8.self), count)
      case .f64: unsafe ck_f32_to_f64(from, to, count)
      default: preconditionFailure("isWidenable lists a type that narrow lacks")
      }
    }
  }
}

extension DType {
  /// Whether ``widen(_:from:into:)``, ``narrow(_:to:into:)`` and ``cast(_:from:to:into:)`` take this
  /// type. Scaled eight-bit weights need their scale besides.
  public var isWidenable: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16, .f8E4M3, .f8E5M2: true
    default: false
    }
  }
}
