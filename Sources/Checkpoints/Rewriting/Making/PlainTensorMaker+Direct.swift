internal import Elements
internal import Tensors

/// Runs that lie in one input, which need no float32 values in between.
extension PlainTensorMaker {
  /// Runs the body with the bytes of some elements and their type; nil when several inputs make them
  /// or they have a scale.
  private func withInput<Result>(
    _ elements: Range<Int>, of index: Int, _ body: (RawSpan, DType) throws -> Result?
  ) throws -> Result? {
    guard case .elements(let pieces, _) = tensors[index].origin,
      let (piece, range) = pieces.first(covering: elements), piece.scale == nil
    else { return nil }
    let dtype = piece.tensor.dtype
    return try piece.tensor.withBytes(dtype.byteRange(of: range)) { try body($0, dtype) }
  }

  /// Stores a run of a tensor in eight-bit floats and measures what that does to it, in one pass; nil
  /// when it takes more.
  func storeDirectly(
    _ elements: Range<Int>, of index: Int, _ encoding: TensorEncoding, scale: Float,
    into output: inout MutableRawSpan
  ) throws -> (loss: CastLoss, error: StoringError)? {
    let target: DType
    switch encoding {
    case .cast(let dtype, .nearest), .scaled(let dtype, .nearest): target = dtype
    default: return nil
    }
    return try withInput(elements, of: index) { bytes, dtype in
      narrowMeasuring(bytes, from: dtype, times: 1 / scale, to: target, into: &output)
    }
  }

  /// The largest magnitude of a run of a tensor.
  func largestMagnitude(_ elements: Range<Int>, of index: Int) throws -> Float {
    try withInput(elements, of: index) { Elements.largestMagnitude($0, from: $1) }
      ?? withValues(elements, of: index) { Elements.largestMagnitude($0.span) }
  }
}
