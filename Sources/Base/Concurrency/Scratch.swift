internal import Synchronization

/// Buffers that work borrows and gives back, so that a step of training does not ask the system for the
/// same memory thousands of times.
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
    let block = unsafe borrow(count)
    defer { free.withLock { $0.append(block) } }
    guard let start = unsafe block.buffer.baseAddress else { preconditionFailure("a buffer") }
    return try unsafe body(start)
  }

  /// Gives buffers that nobody has borrowed back.
  package static func giveBackFree() {
    let blocks = free.withLock { blocks in
      defer { blocks = [] }
      return blocks
    }
    for block in blocks { unsafe Pages.deallocate(block.buffer) }
  }

  /// The smallest free buffer that is large enough. Where none is, the largest is given back for a larger
  /// one: there are never more buffers than were lent at one time.
  private static func borrow(_ count: Int) -> Block {
    let (block, small) = free.withLock { blocks -> (Block?, Block?) in
      var best: Int?
      var largest: Int?
      for (index, block) in blocks.enumerated() {
        let size = unsafe block.buffer.count
        if size >= count, best.map({ unsafe size < blocks[$0].buffer.count }) ?? true {
          best = index
        }
        if largest.map({ unsafe size > blocks[$0].buffer.count }) ?? true { largest = index }
      }
      if let best { return (blocks.remove(at: best), nil) }
      return (nil, largest.map { blocks.remove(at: $0) })
    }
    if let block { return block }
    if let small { unsafe Pages.deallocate(small.buffer) }
    return unsafe Block(buffer: Pages.allocate(byteCount: max(count, 64)))
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
