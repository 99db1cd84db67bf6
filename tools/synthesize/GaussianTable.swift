import Elements

/// Normal deviates made once and used over and over: filling files from a table goes at the speed of
/// writing, where drawing each number would take minutes.
struct GaussianTable {
  /// Bytes of one element.
  let elementSize: Int
  private let bytes: [UInt8]
  private let stream: RandomStream

  /// An odd number of elements, so that rows of a matrix never line up with the table.
  private static let count = (1 << 22) - 3

  /// A table of N(0, deviation), rounded to a floating type.
  init(dtype: DType, deviation: Float, seed: UInt64) {
    let values = RandomStream(seed: seed, purpose: .test).normals(count: Self.count)
      .map { $0 * deviation }
    var bytes = [UInt8](repeating: 0, count: values.count * dtype.bitCount / 8)
    var elements = bytes.mutableSpan
    var output = unsafe elements.mutableBytes
    narrow(values.span, to: dtype, into: &output)
    elementSize = dtype.bitCount / 8
    self.bytes = bytes
    stream = RandomStream(seed: seed, purpose: .test, step: 1)
  }

  /// Hands out bytes of a tensor in order, from a start in the table that depends on the tensor's
  /// number.
  func forEachPart(
    ofTensor number: Int, byteCount: Int, _ body: (RawSpan, _ offset: Int) throws -> Void
  ) rethrows {
    var position = stream.integer(below: Self.count, at: UInt64(number)) * elementSize
    var done = 0
    while done < byteCount {
      let part = min(bytes.count - position, byteCount - done)
      try body(unsafe bytes.span.bytes.extracting(position..<position + part), done)
      done += part
      position = (position + part) % bytes.count
    }
  }
}
