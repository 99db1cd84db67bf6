/// Rows of two low-rank products, multiplied element by element, in double precision.
struct HadamardDelta: DeltaPart {
  /// The first product, with the scale.
  let first: LowRankDelta
  /// The second one, without.
  let second: LowRankDelta

  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) {
    unsafe first.compute(range, into: output)
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count) { buffer in
      guard let own = buffer.baseAddress else { return }
      unsafe second.compute(range, into: own)
      for index in 0..<range.count { unsafe output[index] *= own[index] }
    }
  }
}
