package import Elements

/// Normal deviates made once and used over and over: filling files from a table goes at the speed of
/// writing, where drawing each number would take minutes.
package struct GaussianTable: Sendable {
  private let values: [Float]
  private let stream: RandomStream

  /// An odd number of elements, so that rows of a matrix never line up with the table.
  private static let count = (1 << 22) - 3

  /// A table of N(0, 1).
  package init(seed: UInt64) {
    values = RandomStream(seed: seed, purpose: .test).normals(count: Self.count)
    stream = RandomStream(seed: seed, purpose: .test, step: 1)
  }

  /// Some elements of a tensor, rounded to a floating type. They depend on the tensor's number, which
  /// says where in the table it starts, and on nothing else that was asked for.
  package func bytes(
    of range: Range<Int>, ofTensor number: Int, like spread: ValueSpread, as dtype: DType
  ) -> [UInt8] {
    let start = stream.integer(below: Self.count, at: UInt64(number))
    var floats: [Float] = []
    floats.reserveCapacity(range.count)
    var position = (start + range.lowerBound) % Self.count
    while floats.count < range.count {
      let part = min(Self.count - position, range.count - floats.count)
      for value in values[position..<position + part] {
        floats.append(spread.mean + spread.deviation * value)
      }
      position = (position + part) % Self.count
    }
    var bytes = [UInt8](repeating: 0, count: range.count * dtype.bitCount / 8)
    var span = bytes.mutableSpan
    var output = unsafe span.mutableBytes
    narrow(floats.span, to: dtype, into: &output)
    return bytes
  }
}
