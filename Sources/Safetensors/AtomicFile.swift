internal import CFileGuard
internal import Synchronization
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

  private let overwrite: Bool
  private let folder: Int32
  private let descriptor: Int32
  private let name: [CChar]
  private let temporaryName: [CChar]
  private let guardSlot: Int32
  private let isOpen = Mutex(true)

  /// Creates the temporary, after removing those that killed runs left for this destination.
  ///
  /// - Parameters:
  ///   - path: the destination; its folder must exist.
  ///   - byteCount: the size the file will have, when known. The space is reserved at once, so that
  ///     a full disk shows before the work begins.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  /// - Throws: ``SafetensorsError/destinationExists(file:)``,
  ///   ``SafetensorsError/notARegularFile(file:kind:)``,
  ///   ``SafetensorsError/cannotCreate(file:reason:)``, or, when there is not enough space,
  ///   ``SafetensorsError/writeFailed(file:reason:)``.
  public init(
    creating path: FilePath, byteCount: Int? = nil, overwrite: Bool
  ) throws(SafetensorsError) {
    guard let component = path.lastComponent, component.kind == .regular else {
      throw .cannotCreate(file: path, reason: .isDirectory)
    }
    let name = unsafe component.withPlatformString { unsafe AtomicFile.characters($0) }
    let folder = try AtomicFile.openFolder(of: path)
    let temporary: TemporaryFile
    do {
      temporary = try AtomicFile.createTemporary(
        for: path, name, in: folder, overwrite: overwrite)
    } catch {
      close(folder)
      throw error
    }
    self.path = path
    self.overwrite = overwrite
    self.folder = folder
    self.name = name
    temporaryName = temporary.name
    descriptor = temporary.descriptor
    guardSlot = AtomicFile.guardTemporary(temporaryName, besides: path)
    if let byteCount { try reserve(byteCount) }
  }

  deinit { discard() }

  /// Writes bytes at an offset. Any order, from several threads at once.
  public func write(_ bytes: RawSpan, at offset: Int) throws(SafetensorsError) {
    unsafe try bytes.withUnsafeBytes { buffer throws(SafetensorsError) in
      var done = 0
      while done < buffer.count {
        let count = unsafe pwrite(
          descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done,
          off_t(offset + done))
        if count > 0 {
          done += count
        } else if count == 0 || errno != EINTR {
          throw .writeFailed(file: path, reason: count == 0 ? .ioError : Errno(rawValue: errno))
        }
      }
    }
  }

  /// Makes the bytes durable and gives the file its name. After an error nothing is left.
  public func commit() throws(SafetensorsError) {
    precondition(isOpen.withLock { $0 }, "a file is committed once, and not after discard()")
    do throws(Errno) {
      try AtomicFile.check { fsync(descriptor) }
      // Closing can report errors that a network file system kept back, but must not release the
      // lock before the rename: so close a duplicate, which reports them too.
      let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      guard duplicate >= 0, close(duplicate) == 0 else { throw Errno(rawValue: errno) }
      try rename()
    } catch {
      discard()
      throw overwrite || error != .fileExists
        ? .writeFailed(file: path, reason: error) : .destinationExists(file: path)
    }
    var folderError: Int32 = 0
    finish { folderError = fsync(folder) == 0 ? 0 : errno }
    // Some file systems have nothing to synchronise for a folder and say so.
    if folderError != 0, folderError != EINVAL {
      throw .writeFailed(file: path, reason: Errno(rawValue: folderError))
    }
  }

  /// Gives the output up: removes the temporary. Nothing happens after ``commit()``.
  public func discard() {
    finish { unsafe unlinkat(folder, temporaryName, 0) }
  }

  /// Runs the last step and closes everything, once.
  private func finish(_ lastStep: () -> Void) {
    isOpen.withLock { isOpen in
      guard isOpen else { return }
      isOpen = false
      lastStep()
      file_guard_drop_temporary(guardSlot)
      close(descriptor)
      close(folder)
    }
  }
}

extension AtomicFile {
  /// Removes every unfinished output of this process: for a signal handler that is about to end
  /// it. Async-signal-safe.
  public static func removeTemporariesOnSignal() { file_guard_unlink_temporaries() }

  private static func openFolder(of path: FilePath) throws(SafetensorsError) -> Int32 {
    let parent = path.removingLastComponent()
    let folder = unsafe (parent.isEmpty ? "." : parent).withPlatformString {
      unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard folder >= 0 else { throw .cannotCreate(file: path, reason: Errno(rawValue: errno)) }
    return folder
  }

  private static func createTemporary(
    for path: FilePath, _ name: [CChar], in folder: Int32, overwrite: Bool
  ) throws(SafetensorsError) -> TemporaryFile {
    let mode = try checkDestination(path, name, in: folder, overwrite: overwrite)
    file_guard_ignore_size_signal()
    TemporaryFile.sweep(for: name, in: folder)
    do {
      let temporary = try TemporaryFile(for: name, in: folder)
      if let mode { fchmod(temporary.descriptor, mode) }
      return temporary
    } catch {
      throw .cannotCreate(file: path, reason: error)
    }
  }

  /// Refuses what can't be replaced; the permissions of a file that will be, else nil.
  private static func checkDestination(
    _ path: FilePath, _ name: [CChar], in folder: Int32, overwrite: Bool
  ) throws(SafetensorsError) -> mode_t? {
    var status = stat()
    guard unsafe fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return nil }
      throw .cannotCreate(file: path, reason: Errno(rawValue: errno))
    }
    guard overwrite else { throw .destinationExists(file: path) }
    // Through a link too: replacing /dev/stdout or a folder's link is never what is wanted.
    var target = stat()
    let isDangling = unsafe fstatat(folder, name, &target, 0) != 0
    guard isDangling || target.st_mode & S_IFMT == S_IFREG else {
      throw .notARegularFile(file: path, kind: FileKind(mode: target.st_mode))
    }
    return status.st_mode & S_IFMT == S_IFREG ? status.st_mode & 0o777 : nil
  }

  private static func guardTemporary(_ name: [CChar], besides path: FilePath) -> Int32 {
    let parent = path.removingLastComponent()
    var bytes = unsafe parent.withPlatformString { unsafe characters($0) }
    bytes.removeLast()
    if !bytes.isEmpty { bytes.append(CChar(UInt8(ascii: "/"))) }
    return unsafe file_guard_add_temporary(bytes + name)
  }

  /// The characters of a C string, with its NUL.
  private static func characters(_ string: UnsafePointer<CChar>) -> [CChar] {
    unsafe Array(UnsafeBufferPointer(start: string, count: strlen(string) + 1))
  }

  private static func check(_ call: () -> Int32) throws(Errno) {
    while call() != 0 {
      if errno != EINTR { throw Errno(rawValue: errno) }
    }
  }

  private func reserve(_ byteCount: Int) throws(SafetensorsError) {
    guard byteCount > 0 else { return }
    // Asked first, because some file systems take all there is before they say that it is too little.
    guard hasRoom(for: byteCount) else { throw .writeFailed(file: path, reason: .noSpace) }
    while file_guard_reserve(descriptor, Int64(byteCount)) != 0 {
      switch errno {
      case EINTR: continue
      case EOPNOTSUPP, ENOSYS: return
      default: throw .writeFailed(file: path, reason: Errno(rawValue: errno))
      }
    }
  }

  private func hasRoom(for byteCount: Int) -> Bool {
    var status = statvfs()
    guard unsafe fstatvfs(descriptor, &status) == 0 else { return true }
    let (free, overflow) = UInt(status.f_bfree).multipliedReportingOverflow(
      by: UInt(status.f_frsize))
    return overflow || free >= UInt(byteCount)
  }

  private func rename() throws(Errno) {
    if overwrite {
      return try AtomicFile.check { unsafe renameat(folder, temporaryName, folder, name) }
    }
    if unsafe file_guard_rename_new(folder, temporaryName, name) == 0 { return }
    guard errno == EINVAL || errno == ENOSYS else { throw Errno(rawValue: errno) }
    // No such rename on this file system: a hard link refuses an existing name just as well.
    guard unsafe linkat(folder, temporaryName, folder, name, 0) == 0 else {
      throw Errno(rawValue: errno)
    }
    unsafe unlinkat(folder, temporaryName, 0)
  }
}

/// Writes a small file that appears complete or not at all.
public func writeAtomically(
  _ bytes: RawSpan, to path: FilePath, overwrite: Bool
) throws(SafetensorsError) {
  let file = try AtomicFile(creating: path, byteCount: bytes.byteCount, overwrite: overwrite)
  try file.write(bytes, at: 0)
  try file.commit()
}
