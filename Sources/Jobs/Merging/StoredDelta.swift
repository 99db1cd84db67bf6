internal import Tensors

/// Rows of a difference that the adapter has as it is, times its scale.
struct StoredDelta: DeltaPart {
  let values: TensorView
  let scale: Double
  let rows: PartRows

  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) throws {
    var numbers = [Float](repeating: 0, count: rows.columns)
    try rows.forEach(range) { source, columns, offset in
      let start = source * rows.columns + columns.lowerBound
      var span = numbers.mutableSpan
      var part = span._mutatingExtracting(0..<columns.count)
      try values.widen(start..<start + columns.count, into: &part)
      for index in 0..<columns.count {
        unsafe output[offset + index] = scale * Double(part[index])
      }
    }
  }
}
