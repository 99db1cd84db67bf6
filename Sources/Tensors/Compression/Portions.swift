internal import Concurrency
internal import Tensors

/// Reads tensors in portions on several threads.
enum Portions {
  /// A few chunks of the usual size.
  private static let byteCount = 4 << 20

  /// Runs the body with each portion of a tensor's bytes, several at a time and in no particular
  /// order.
  ///
  /// - Parameters:
  ///   - tensor: whose bytes.
  ///   - body: gets the range of the tensor and its bytes.
  ///   - progress: told how many bytes were done since it was told last.
  /// - Throws: the first error in the order of the tensor.
  static func forEach(
    of tensor: TensorView, _ body: (Range<Int>, RawSpan) throws -> Void,
    progress: (Int) throws -> Void
  ) throws {
    let width = byteCount * 2 * Parallel.threadCount
    for start in stride(from: 0, to: tensor.byteCount, by: width) {
      let end = min(tensor.byteCount, start + width)
      try Parallel.forEachThrowing(
        (end - start + byteCount - 1) / byteCount, work: end - start
      ) { index throws(any Error) in
        let first = start + index * byteCount
        let range = first..<min(end, first + byteCount)
        try tensor.withBytes(range) { try body(range, $0) }
      }
      try progress(end - start)
    }
  }
}
