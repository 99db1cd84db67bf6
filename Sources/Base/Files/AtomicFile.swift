internal import CFileGuard
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A file that appears at its destination complete or not at all.
///
/// Bytes go to a sibling temporary, which ``commit()`` makes durable and renames. Until then the
/// destination keeps what it had, whatever happens: an error, a full disk, a signal, a power cut.
/// A destination that is mapped as an input, or that has other names, is safe too: its bytes stay
/// with whoever has them. A symbolic link is replaced, not followed.
///
/// Source: the order of steps is that of Pillai et al., "All file systems are not created equal"
/// (OSDI'14): data, fsync, rename, fsync of the folder.
public final class AtomicFile: Sendable {
  /// The destination.
  public let path: FilePath

  private let place: OutputPlace
  private let overwrite: Bool
  private let temporary: Temporary
  private let writing: FileWriting
  /// What was written, where it is to be read back; see ``readBackFiles()``.
  private let readingBack: ReadingBack?

  /// Creates the temporary, after removing those that killed runs left for this destination.
  ///
  /// - Parameters:
  ///   - path: the destination; its folder must exist.
  ///   - byteCount: the size the file will have, when known. The space is reserved at once, so that
  ///     a full disk shows before the work begins.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  /// - Throws: ``FileError/destinationExists(file:)``,
  ///   ``FileError/notARegularFile(file:kind:)``,
  ///   ``FileError/cannotCreate(file:reason:)``, or, when there is not enough space,
  ///   ``FileError/writeFailed(file:reason:)``.
  public init(
    creating path: FilePath, byteCount: Int? = nil, overwrite: Bool
  ) throws(FileError) {
    let place = try OutputPlace(of: path)
    let mode = try AtomicFile.checkDestination(place, overwrite: overwrite)
    file_guard_ignore_size_signal()
    let folder = place.folder
    let temporary = try place.createTemporary { name in
      unsafe openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    }
    if let mode { fchmod(temporary.descriptor, mode) }
    self.path = path
    self.overwrite = overwrite
    self.temporary = temporary
    writing = FileWriting(descriptor: temporary.descriptor)
    readingBack = ReadingBack.isAskedFor ? ReadingBack() : nil
    self.place = place
    if let byteCount { try reserve(byteCount) }
  }

  deinit { discard() }

  /// Whether the file was committed or discarded.
  package var isFinished: Bool { !temporary.isOpen }

  /// Writes bytes at an offset. Any order, from several threads at once; the same range may be
  /// written again.
  public func write(_ bytes: RawSpan, at offset: Int) throws(FileError) {
    do throws(Errno) { try writing.write(bytes, at: offset) } catch {
      throw .writeFailed(file: path, reason: error)
    }
    // After the write: bytes of an input that was truncated make that fail, where reading them here
    // would be a signal.
    readingBack?.note(bytes, at: offset)
  }

  /// Makes the bytes durable, reads them back where that was asked for, and gives the file its name.
  /// After an error nothing is left.
  public func commit() throws(FileError) {
    precondition(temporary.isOpen, "a file is committed once, and not after discard()")
    var difference: Int?
    do throws(Errno) {
      try AtomicFile.check { fsync(temporary.descriptor) }
      // Closing can report errors that a network file system kept back, but must not release the
      // lock before the rename: so close a duplicate, which reports them too.
      let duplicate = fcntl(temporary.descriptor, F_DUPFD_CLOEXEC, 0)
      guard duplicate >= 0, close(duplicate) == 0 else { throw Errno(rawValue: errno) }
      difference = try readingBack?.firstDifference(in: temporary.descriptor)
      if difference == nil { try rename() }
    } catch {
      discard()
      throw overwrite || error != .fileExists
        ? .writeFailed(file: path, reason: error) : .destinationExists(file: path)
    }
    if let difference {
      discard()
      throw .differsOnDisk(file: path, offset: difference)
    }
    let failure = place.synchronize()
    temporary.finish {}
    if let failure { throw .writeFailed(file: path, reason: failure) }
  }

  /// Gives the output up: removes the temporary. Nothing happens after ``commit()``.
  public func discard() {
    temporary.finish { unsafe unlinkat(place.folder, temporary.name, 0) }
  }
}

extension AtomicFile {
  /// Makes a write beyond the largest size of a file (`ulimit -f`) an error instead of a signal.
  package static func ignoreSizeSignal() { file_guard_ignore_size_signal() }

  /// Removes every unfinished output of this process, files and folders: for a signal handler that
  /// is about to end it. Async-signal-safe.
  public static func removeTemporariesOnSignal() { file_guard_unlink_temporaries() }

  /// Makes every file that is created from now on be read back from the disk and compared with what
  /// was written, before it gets its name: for commands, once at their start.
  public static func readBackFiles() { ReadingBack.ask() }

  /// Bytes that were read back and found the same, of all files.
  public static var readBackByteCount: Int { ReadingBack.byteCount }

  /// Refuses a destination whose folder isn't there, that may not be replaced or can't be: for work
  /// that takes long before its first byte is written.
  ///
  /// - Parameters:
  ///   - path: the destination.
  ///   - overwrite: whether a regular file there may be replaced.
  /// - Throws: what ``init(creating:byteCount:overwrite:)`` would.
  public static func check(_ path: FilePath, overwrite: Bool) throws(FileError) {
    _ = try checkDestination(OutputPlace(of: path), overwrite: overwrite)
  }

  /// Refuses what can't be replaced; the permissions of a file that will be, else nil.
  private static func checkDestination(
    _ place: borrowing OutputPlace, overwrite: Bool
  ) throws(FileError) -> mode_t? {
    guard let status = try place.status(followingLinks: false) else { return nil }
    guard overwrite else { throw .destinationExists(file: place.path) }
    // Through a link too: replacing /dev/stdout or a folder's link is never what is wanted.
    if let target = try place.status(followingLinks: true), target.st_mode & S_IFMT != S_IFREG {
      throw .notARegularFile(file: place.path, kind: FileKind(mode: target.st_mode))
    }
    return status.st_mode & S_IFMT == S_IFREG ? status.st_mode & 0o777 : nil
  }

  private static func check(_ call: () -> Int32) throws(Errno) {
    while call() != 0 {
      if errno != EINTR { throw Errno(rawValue: errno) }
    }
  }

  private func reserve(_ byteCount: Int) throws(FileError) {
    guard byteCount > 0 else { return }
    // Asked first, because some file systems take all there is before they say that it is too
    // little.
    guard hasRoom(for: byteCount, temporary.descriptor) else {
      throw .writeFailed(file: path, reason: .noSpace)
    }
    while file_guard_reserve(temporary.descriptor, Int64(byteCount)) != 0 {
      switch errno {
      case EINTR: continue
      case EOPNOTSUPP, ENOSYS: return
      default: throw .writeFailed(file: path, reason: Errno(rawValue: errno))
      }
    }
  }

  private func rename() throws(Errno) {
    if overwrite {
      return try AtomicFile.check {
        unsafe renameat(place.folder, temporary.name, place.folder, place.name)
      }
    }
    if unsafe file_guard_rename_new(place.folder, temporary.name, place.name) == 0 { return }
    guard errno == EINVAL || errno == ENOSYS else { throw Errno(rawValue: errno) }
    // No such rename on this file system: a hard link refuses an existing name just as well.
    guard unsafe linkat(place.folder, temporary.name, place.folder, place.name, 0) == 0 else {
      throw Errno(rawValue: errno)
    }
    unsafe unlinkat(place.folder, temporary.name, 0)
  }
}

/// Whether the file system of an open file has that many bytes free; true when it doesn't say.
private func hasRoom(for byteCount: Int, _ descriptor: Int32) -> Bool {
  var status = statvfs()
  guard unsafe fstatvfs(descriptor, &status) == 0 else { return true }
  let (free, overflow) = UInt(status.f_bfree).multipliedReportingOverflow(by: UInt(status.f_frsize))
  return overflow || free >= UInt(byteCount)
}

/// Whether the file system of a folder has that many bytes free; true when it doesn't say.
package func hasRoom(for byteCount: Int, in folder: FilePath) throws(FileError) -> Bool {
  let descriptor: FileDescriptor
  do { descriptor = try FileDescriptor.open(folder, .readOnly, options: .closeOnExec) } catch {
    throw .cannotCreate(file: folder, reason: error as? Errno ?? .ioError)
  }
  defer { try? descriptor.close() }
  return hasRoom(for: byteCount, descriptor.rawValue)
}

/// Writes a small file that appears complete or not at all.
public func writeAtomically(
  _ bytes: RawSpan, to path: FilePath, overwrite: Bool
) throws(FileError) {
  let file = try AtomicFile(creating: path, byteCount: bytes.byteCount, overwrite: overwrite)
  try file.write(bytes, at: 0)
  try file.commit()
}
