internal import Synchronization

/// Blocks of memory of one size that threads borrow one after the other: fresh memory for every
/// portion would cost more than the work on it.
package final class BufferPool<Element: BitwiseCopyable & Sendable>: Sendable {
  private let free = Mutex<[[Element]]>([])
  private let count: Int
  private let zero: Element

  /// Blocks of that many elements.
  package init(count: Int, zero: Element) {
    self.count = count
    self.zero = zero
  }

  /// Runs the body with a block, whose contents are arbitrary.
  package func withBuffer<Result>(_ body: (inout [Element]) throws -> Result) rethrows -> Result {
    var buffer = free.withLock { $0.popLast() } ?? Array(repeating: zero, count: count)
    defer { free.withLock { $0.append(buffer) } }
    return try body(&buffer)
  }
}
