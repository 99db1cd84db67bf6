internal import Synchronization

/// Buffers that work borrows and gives back, so that a step of training does not ask the system for the
/// same memory thousands of times: memory of changing sizes that comes and goes leaves holes.
package enum Scratch {
  @safe private struct Block: @unchecked Sendable {
    let buffer: UnsafeMutableRawBufferPointer
  }

  private static let free = Mutex<[Block]>([])

  /// Lends a buffer of at least `count` bytes, with unspecified contents, for one call. It begins at a
  /// multiple of 64 bytes.
  package static func withBytes<Result, Failure>(
    _ count: Int, _ body: (UnsafeMutableRawPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let block = free.withLock { blocks -> Block? in
      let fits = blocks.indices.filter { unsafe blocks[$0].buffer.count >= count }
      let best = fits.min { unsafe blocks[$0].buffer.count < blocks[$1].buffer.count }
      return best.map { blocks.remove(at: $0) }
    }
    let lent =
      unsafe block ?? Block(buffer: .allocate(byteCount: max(count, 64), alignment: 64))
    defer {
      free.withLock { blocks in
        blocks.append(lent)
        // Two threads hold two or three panels each; more would only keep memory of odd sizes.
        if blocks.count > 4 * Parallel.threadCount {
          unsafe blocks.removeFirst().buffer.deallocate()
        }
      }
    }
    guard let start = unsafe lent.buffer.baseAddress else { preconditionFailure("a buffer") }
    return try unsafe body(start)
  }

  /// Lends a buffer of at least `count` floats; see ``withBytes(_:_:)``.
  package static func withFloats<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    unsafe withBytes(count * MemoryLayout<Float>.stride) {
      unsafe body($0.assumingMemoryBound(to: Float.self))
    }
  }
}
