internal import CKernels

/// Multiplies elements by a factor and rounds them to an eight-bit type as ``narrow(_:to:into:)`` does,
/// measuring in the same pass what that does to them.
///
/// - Parameters:
///   - bytes: the elements, little-endian, not necessarily aligned.
///   - source: their type.
///   - factor: what each is multiplied by, in float32.
///   - target: the type to write.
///   - output: as many bytes as there are elements.
/// - Returns: what is outside the type's range, and how far the codes are from the numbers; nil, with nothing written, for types that take several passes: all but
///   BF16 and F32 to F8_E4M3 and F8_E5M2.
package func narrowMeasuring(
  _ bytes: RawSpan, from source: DType, times factor: Float, to target: DType,
  into output: inout MutableRawSpan
) -> (loss: CastLoss, error: StoringError)? {
  guard let kernel = unsafe measuringKernel(from: source, to: target),
    let limits = CastLoss.limits(of: target)
  else { return nil }
  precondition(bytes.byteCount * 8 == output.byteCount * source.bitCount, "sizes must agree")
  var counts = [0, 0]
  var totals = [0.0, 0]
  unsafe bytes.withUnsafeBytes { input in
    unsafe output.withUnsafeMutableBytes { output in
      guard let from = input.baseAddress, let to = output.baseAddress else { return }
      unsafe kernel(
        from, factor, limits.overflow, limits.underflow, to.assumingMemoryBound(to: UInt8.self),
        output.count, &counts, &totals)
    }
  }
  var loss = CastLoss()
  loss.overflowCount = counts[0]
  loss.underflowCount = counts[1]
  return (loss, StoringError(differenceSquares: totals[0], squares: totals[1]))
}

private typealias MeasuringKernel = (
  UnsafeRawPointer, Float, Float, Float, UnsafeMutablePointer<UInt8>, Int,
  UnsafeMutablePointer<Int>, UnsafeMutablePointer<Double>
) -> Void

private func measuringKernel(from source: DType, to target: DType) -> MeasuringKernel? {
  switch (source, target) {
  case (.bf16, .f8E4M3): unsafe ck_bf16_to_f8_e4m3_measured
  case (.bf16, .f8E5M2): unsafe ck_bf16_to_f8_e5m2_measured
  case (.f32, .f8E4M3): unsafe ck_f32_to_f8_e4m3_measured
  case (.f32, .f8E5M2): unsafe ck_f32_to_f8_e5m2_measured
  default: nil
  }
}

/// The largest magnitude of the finite elements, 0 when there is none; nil for types that have to be
/// widened first: all but BF16 and F32.
package func largestMagnitude(_ bytes: RawSpan, from dtype: DType) -> Float? {
  unsafe bytes.withUnsafeBytes { bytes in
    guard let start = bytes.baseAddress else { return 0 }
    switch dtype {
    case .bf16:
      return unsafe ck_bf16_max_magnitude(
        start.assumingMemoryBound(to: UInt16.self), bytes.count / 2)
    case .f32:
      return unsafe ck_max_magnitude(start.assumingMemoryBound(to: Float.self), bytes.count / 4)
    default: return nil
    }
  }
}
