internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// Memory for numbers. Large pieces have pages of their own, which go back to the system when they are
/// freed and not needed again soon: the C library would keep them for requests that need other sizes, so
/// that a program's memory depended on the order of its work. They are large pages where the system has
/// such, which are made in a fraction of the time that small ones take.
package enum Pages {
  /// From so many bytes on a piece has pages of its own.
  private static let ownByteCount = 1 << 18
  /// Freed pieces are kept for requests of their size, for the system clears pages before it gives them,
  /// which takes as long as to fill them. What is in use and what is kept are together no more than was in
  /// use at one time, so that a program's peak is what it needs, or than what is in use and this part of it.
  private static let keptPart = 20

  @safe private struct Piece: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
  }

  private struct Account {
    var usedByteCount = 0
    /// The most that were in use.
    var largestByteCount = 0
    var kept: [Piece] = []
    var keptByteCount = 0

    /// Takes a kept piece of a size; where there is none, the pieces that are too many beside a new one.
    mutating func take(_ byteCount: Int) -> (piece: Piece?, surplus: [Piece]) {
      usedByteCount += byteCount
      largestByteCount = max(largestByteCount, usedByteCount)
      guard let index = unsafe kept.lastIndex(where: { unsafe $0.memory.count == byteCount }) else {
        return (nil, surplus())
      }
      keptByteCount -= byteCount
      return (kept.remove(at: index), [])
    }

    /// Keeps a piece; returns those that are too many, the oldest first.
    mutating func giveBack(_ piece: Piece) -> [Piece] {
      usedByteCount -= unsafe piece.memory.count
      keptByteCount += unsafe piece.memory.count
      kept.append(piece)
      return surplus()
    }

    /// Keeps nothing; returns what was kept.
    mutating func clear() -> [Piece] {
      defer { self = Account(usedByteCount: usedByteCount, largestByteCount: usedByteCount) }
      return kept
    }

    private mutating func surplus() -> [Piece] {
      let most = max(largestByteCount, usedByteCount + usedByteCount / Pages.keptPart)
      var surplus: [Piece] = []
      while usedByteCount + keptByteCount > most, !kept.isEmpty {
        keptByteCount -= unsafe kept[0].memory.count
        surplus.append(kept.removeFirst())
      }
      return surplus
    }
  }

  private static let account = Mutex(Account())

  /// Memory of unspecified contents that begins at a multiple of 64 bytes.
  package static func allocate(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    guard byteCount >= ownByteCount else {
      return unsafe .allocate(byteCount: byteCount, alignment: 64)
    }
    let (kept, surplus) = account.withLock { $0.take(byteCount) }
    if let kept { return unsafe kept.memory }
    release(surplus)
    let start = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      // As where the standard library's own memory runs out.
      fatalError("out of memory: \(byteCount) bytes")
    }
    // Without them it works too.
    unsafe madvise(start, byteCount, MADV_HUGEPAGE)
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  /// Makes a piece smaller; what is no longer in it goes back to the system, in whole pages.
  package static func shrink(
    _ memory: UnsafeMutableRawBufferPointer, to byteCount: Int
  ) -> UnsafeMutableRawBufferPointer {
    let count = max(ownByteCount, (byteCount + pageSize - 1) / pageSize * pageSize)
    guard unsafe count < memory.count else { return unsafe memory }
    unsafe munmap(memory.baseAddress.map { unsafe $0 + count }, memory.count - count)
    account.withLock { unsafe $0.usedByteCount -= memory.count - count }
    return unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
  }

  private static let pageSize = max(1, sysconf(Int32(_SC_PAGESIZE)))

  /// Gives a piece back; it must be whole, or what it shrank to.
  package static func deallocate(_ memory: UnsafeMutableRawBufferPointer) {
    guard unsafe memory.count >= ownByteCount else { return unsafe memory.deallocate() }
    let piece = unsafe Piece(memory: memory)
    release(account.withLock { $0.giveBack(piece) })
  }

  /// Gives what is kept back to the system: what comes is then as in a program that begins.
  package static func giveBackKept() { release(account.withLock { $0.clear() }) }

  private static func release(_ pieces: [Piece]) {
    for piece in pieces { unsafe munmap(piece.memory.baseAddress, piece.memory.count) }
  }
}
