internal import CKernels

/// Rounds float32 elements to another floating type at random: to one of the two neighbours, the
/// nearer with the higher probability, so that the mean is right. Numbers beyond the largest finite
/// one, and infinities, become that number; NaN stays NaN; float32 is copied.
///
/// Source: Comfy-Org/ComfyUI, `comfy/float.py`, `stochastic_rounding`: the same distribution, other
/// random numbers.
///
/// - Parameters:
///   - input: the elements.
///   - dtype: the type to write; one for which ``DType/isWidenable`` holds, not F64.
///   - stream: where the random numbers come from.
///   - first: position of the first element in its tensor; it decides which numbers of the stream
///     are used.
///   - output: the bytes of as many elements, little-endian.
public func narrowAtRandom(
  _ input: Span<Float>, to dtype: DType, _ stream: RandomStream, first: Int,
  into output: inout MutableRawSpan
) {
  precondition(dtype.isWidenable && dtype != .f64, "float32 can't be narrowed to \(dtype.rawValue)")
  precondition(output.byteCount * 8 == input.count * dtype.bitCount, "sizes must agree")
  let portion = 4096
  // Four elements take their numbers together, and the first may be in the middle of four.
  var random = [UInt32](repeating: 0, count: min(portion, input.count) + 8)
  let size = dtype.bitCount / 8
  unsafe input.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBytes { destination in
      guard let from = source.baseAddress, let to = destination.baseAddress else { return }
      for start in stride(from: 0, to: source.count, by: portion) {
        let count = min(portion, source.count - start)
        let block = (first + start) / 4
        let skipped = (first + start) % 4
        stream.fill(
          &random, firstBlock: UInt64(block), blockCount: (skipped + count + 3) / 4)
        let (values, bytes) = unsafe (from + start, to + start * size)
        unsafe random.withUnsafeBufferPointer { random in
          guard let random = unsafe random.baseAddress?.advanced(by: skipped) else { return }
          switch dtype {
          case .bf16:
            unsafe ck_f32_to_bf16_at_random(
              values, random, bytes.assumingMemoryBound(to: UInt16.self), count)
          case .f16:
            unsafe ck_f32_to_f16_at_random(
              values, random, bytes.assumingMemoryBound(to: UInt16.self), count)
          case .f8E4M3:
            unsafe ck_f32_to_f8_e4m3_at_random(
              values, random, bytes.assumingMemoryBound(to: UInt8.self), count)
          case .f8E5M2:
            unsafe ck_f32_to_f8_e5m2_at_random(
              values, random, bytes.assumingMemoryBound(to: UInt8.self), count)
          default: unsafe bytes.copyMemory(from: values, byteCount: count * size)
          }
        }
      }
    }
  }
}

/// The largest magnitude of the finite elements; 0 when there is none.
public func largestMagnitude(_ values: Span<Float>) -> Float {
  unsafe values.withUnsafeBufferPointer { values in
    guard let start = values.baseAddress else { return 0 }
    return unsafe ck_max_magnitude(start, values.count)
  }
}
