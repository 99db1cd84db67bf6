internal import Concurrency
internal import Synchronization
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Checksums of what was written to a file, to compare with what the disk gives back.
final class ReadingBack: Sendable {
  private static let isOn = Atomic<Bool>(false)

  /// Whether files that are created are to be read back.
  static var isAskedFor: Bool { isOn.load(ordering: .relaxed) }

  /// Makes files that are created from now on be read back.
  static func ask() { isOn.store(true, ordering: .relaxed) }

  private static let sameByteCount = Atomic<Int>(0)

  /// Bytes of all files that came back as they were written.
  static var byteCount: Int { sameByteCount.load(ordering: .relaxed) }

  /// Bytes with one checksum at most, which are read at a time.
  private static let partByteCount = 1 << 20

  private struct Part {
    let byteCount: Int
    let checksum: UInt64
  }

  /// By their offsets; a range that is written again replaces what it was.
  private let parts = Mutex<[Int: Part]>([:])

  /// Notes bytes that were written at an offset.
  func note(_ bytes: RawSpan, at offset: Int) {
    for start in stride(from: 0, to: bytes.byteCount, by: Self.partByteCount) {
      let end = min(bytes.byteCount, start + Self.partByteCount)
      let part = Part(
        byteCount: end - start, checksum: checksum(bytes.extracting(start..<end)))
      parts.withLock { $0[offset + start] = part }
    }
  }

  /// Reads all of it back, from the disk where the system lets go of its copy in memory.
  ///
  /// - Parameter descriptor: the file, which must be durable.
  /// - Returns: where other bytes than were written come back; nil when none do.
  /// - Throws: what reading fails with.
  func firstDifference(in descriptor: Int32) throws(Errno) -> Int? {
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    let parts = parts.withLock { $0.sorted { $0.key < $1.key } }
    let outcome = Mutex<(failure: Errno?, difference: Int?)>((nil, nil))
    Parallel.forEach(parts.count, work: .max) { index in
      let (offset, part) = parts[index]
      do throws(Errno) {
        if try Self.sum(of: part.byteCount, at: offset, descriptor) == part.checksum {
          Self.sameByteCount.add(part.byteCount, ordering: .relaxed)
        } else {
          outcome.withLock { $0.difference = min($0.difference ?? offset, offset) }
        }
      } catch { outcome.withLock { $0.failure = error } }
    }
    let (failure, difference) = outcome.withLock { $0 }
    if let failure { throw failure }
    return difference
  }

  private static func sum(
    of byteCount: Int, at offset: Int, _ descriptor: Int32
  ) throws(Errno) -> UInt64 {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var done = 0
    while done < byteCount {
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe pread(
          descriptor, buffer.baseAddress?.advanced(by: done), byteCount - done,
          off_t(offset + done))
      }
      if count > 0 {
        done += count
      } else if count == 0 || errno != EINTR {
        throw count == 0 ? .ioError : Errno(rawValue: errno)
      }
    }
    return unsafe checksum(bytes.span.bytes)
  }
}
