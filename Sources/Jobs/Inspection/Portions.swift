internal import Concurrency
internal import Elements
internal import Synchronization
internal import Tensors

/// Reading tensors in portions of fixed size, several at a time, so that memory stays bounded and
/// what comes out doesn't depend on the number of threads.
enum Portions {
  /// What the body makes of 0, 1 … count-1, in this order.
  static func map<Value: Sendable>(
    _ count: Int, work: Int, _ body: (Int) throws -> Value
  ) throws -> [Value] {
    try Parallel.map(count, work: work) { index in Result { try body(index) } }
      .map { try $0.get() }
  }

  /// Runs the body over the bytes of consecutive portions of a tensor.
  ///
  /// - Parameters:
  ///   - tensor: whose bytes.
  ///   - elementCount: of a portion; the last one has fewer.
  ///   - body: what to do with a portion's bytes, on several threads.
  /// - Returns: what the body returns, in the order of the portions.
  /// - Throws: what the body or making the bytes throws.
  static func map<Value: Sendable>(
    _ tensor: TensorView, elementCount: Int, _ body: (RawSpan) throws -> Value
  ) throws -> [Value] {
    let all = tensor.elementCount
    let size = tensor.dtype.bitCount / 8
    return try map((all + elementCount - 1) / elementCount, work: all) { index in
      let start = index * elementCount
      let end = min(all, start + elementCount)
      return try tensor.withBytes(start * size..<end * size, body)
    }
  }
}

/// How many bytes were read so far, told to whoever shows it.
public final class ReadingProgress: Sendable {
  private let done = Atomic<Int>(0)
  private let show: @Sendable (Int) -> Void

  /// Progress that calls the closure with the bytes read so far, from any thread.
  public init(_ show: @escaping @Sendable (Int) -> Void) { self.show = show }

  func add(_ byteCount: Int) {
    show(done.add(byteCount, ordering: .relaxed).newValue)
  }
}
