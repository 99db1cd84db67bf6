internal import CFileGuard
internal import Synchronization
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Writes to an open file from several threads, and sees that bytes are on their way to the disk while
/// later ones are made, so that little is left to wait for at the end.
final class FileWriting: Sendable {
  private let descriptor: Int32
  /// File systems take one write to a file after the other.
  private let turn = Turn()
  /// Bytes that were written since the disk was last told to begin.
  private let waiting = Atomic<Int>(0)

  /// Bytes of one call. Where the page cache takes one block of memory for a whole call, blocks of
  /// eight pages are always at hand, and larger ones have to be found, or given by a virtual
  /// machine's host: 3.87 GB took 1.3 s of processor time in these pieces, 6.5 s in pieces of 1 MiB
  /// (Linux 6.18, ext4).
  private static let pieceByteCount = 32 << 10
  /// Bytes after which the disk is told to begin.
  private static let startByteCount = 32 << 20

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Writes bytes at an offset; any order, from several threads at once.
  func write(_ bytes: RawSpan, at offset: Int) throws(Errno) {
    unsafe try bytes.withUnsafeBytes { buffer throws(Errno) in
      try turn.take { () throws(Errno) in unsafe try writeInPieces(buffer, at: offset) }
    }
    start(after: bytes.byteCount)
  }

  private func writeInPieces(
    _ buffer: UnsafeRawBufferPointer, at offset: Int
  ) throws(Errno) {
    var done = 0
    while done < buffer.count {
      // Up to a multiple of the size, so that pieces end with pages.
      let left = Self.pieceByteCount - (offset + done) % Self.pieceByteCount
      let count = unsafe pwrite(
        descriptor, buffer.baseAddress?.advanced(by: done), min(left, buffer.count - done),
        off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 || errno != EINTR {
        throw count == 0 ? .ioError : Errno(rawValue: errno)
      }
    }
  }

  /// Tells the disk to begin with what was written, every so often. What goes wrong with it is known
  /// when the file is made durable.
  private func start(after byteCount: Int) {
    let count = waiting.add(byteCount, ordering: .relaxed).newValue
    guard count >= Self.startByteCount,
      waiting.compareExchange(expected: count, desired: 0, ordering: .relaxed).exchanged
    else { return }
    file_guard_start_writing(descriptor)
  }
}

/// One thread at a time, any of them next. Whoever waits sleeps, where the kernel's own waiting for a
/// file and that of `Mutex` keep a processor busy; and the thread that is there goes on with its next
/// part while others wake up, where locks that are handed over wait for them.
@safe private final class Turn: Sendable {
  private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(
    capacity: 1)

  init() { unsafe pthread_mutex_init(mutex, nil) }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  func take<Failure>(_ body: () throws(Failure) -> Void) throws(Failure) {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    try body()
  }
}
