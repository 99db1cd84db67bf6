internal import Concurrency
internal import Synchronization

/// Buffers that products borrow for their panels and give back, so that a step of training does not
/// ask the system for the same memory thousands of times.
package enum Scratch {
  @safe private struct Block: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Float>
  }

  private static let free = Mutex<[Block]>([])

  /// Lends a buffer of at least `count` floats, with unspecified contents, for one call.
  package static func withFloats<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    let block = free.withLock { blocks -> Block? in
      let fits = blocks.indices.filter { unsafe blocks[$0].buffer.count >= count }
      let best = fits.min { unsafe blocks[$0].buffer.count < blocks[$1].buffer.count }
      return best.map { blocks.remove(at: $0) }
    }
    let lent = unsafe block ?? Block(buffer: .allocate(capacity: count))
    defer {
      free.withLock { blocks in
        blocks.append(lent)
        // Two threads hold two or three panels each; more would only keep memory of odd sizes.
        if blocks.count > 4 * Parallel.threadCount {
          unsafe blocks.removeFirst().buffer.deallocate()
        }
      }
    }
    // A buffer of no floats has no address, but nobody dereferences it either.
    return unsafe body(lent.buffer.baseAddress ?? UnsafeMutablePointer(bitPattern: 64)!)
  }
}
