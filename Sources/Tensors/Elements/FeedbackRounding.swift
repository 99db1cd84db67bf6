/// Elements over which errors are carried on; see ``narrowWithFeedback(_:to:first:into:)``.
public let feedbackRunLength = 1024

/// Rounds float32 elements to another floating type so that errors cancel: what rounding one element
/// loses is added to the next. Sums over neighbours are then far nearer to the truth than with
/// rounding to nearest, though single elements are further from theirs.
///
/// Source: Floyd and Steinberg, "An adaptive algorithm for spatial greyscale" (1976), in one
/// dimension.
///
/// - Parameters:
///   - input: the elements.
///   - dtype: the type to write; one for which ``DType/isWidenable`` holds.
///   - first: position of the first element in its tensor, a multiple of ``feedbackRunLength``;
///     errors stay within runs of that length, so that portions are independent.
///   - output: the bytes of as many elements, little-endian.
public func narrowWithFeedback(
  _ input: Span<Float>, to dtype: DType, first: Int, into output: inout MutableRawSpan
) {
  precondition(output.byteCount * 8 == input.count * dtype.bitCount, "sizes must agree")
  precondition(first % feedbackRunLength == 0, "portions are whole runs")
  let size = dtype.bitCount / 8
  let runCount = (input.count + feedbackRunLength - 1) / feedbackRunLength
  // The same element of every run at once: within a run one element waits for the one before.
  var errors = [Float](repeating: 0, count: runCount)
  var values = [Float](repeating: 0, count: runCount)
  var rounded = [Float](repeating: 0, count: runCount)
  var bytes = [UInt8](repeating: 0, count: runCount * size)
  for step in 0..<min(feedbackRunLength, input.count) {
    // The last run may be shorter.
    let active = (runCount - 1) * feedbackRunLength + step < input.count ? runCount : runCount - 1
    for run in 0..<active { values[run] = input[run * feedbackRunLength + step] + errors[run] }
    var byteSpan = bytes.mutableSpan
    var raw = unsafe byteSpan.mutableBytes
    narrow(values.span, to: dtype, into: &raw)
    var back = rounded.mutableSpan
    widen(raw.bytes, from: dtype, into: &back)
    for run in 0..<active {
      // Beyond the type's range there is nothing to be carried on.
      let lost = values[run] - rounded[run]
      errors[run] = abs(lost) <= abs(values[run]) ? lost : 0
      let place = (run * feedbackRunLength + step) * size
      for byte in 0..<size {
        output.storeBytes(of: bytes[run * size + byte], toByteOffset: place + byte, as: UInt8.self)
      }
    }
  }
}
