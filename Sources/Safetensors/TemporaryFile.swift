internal import CFileGuard
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// An open, locked, still nameless output: `.NAME.partial-<12 hex digits>` beside its destination.
///
/// Its writer holds a `flock` on it for as long as it lives. So a temporary that can be locked was
/// left by a killed run, and whoever writes the same destination next removes it.
struct TemporaryFile {
  let descriptor: Int32
  let name: [CChar]

  /// Creates and locks a temporary for the destination `name` in an open folder.
  init(for name: [CChar], in folder: Int32) throws(Errno) {
    // A sweep of another process may take a new file between its creation and its lock.
    for _ in 0..<100 {
      let name = TemporaryFile.prefix(for: name) + TemporaryFile.digits() + [0]
      let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let descriptor = unsafe openat(folder, name, flags, 0o666)
      if descriptor < 0 {
        if errno == EEXIST || errno == EINTR { continue }
        throw Errno(rawValue: errno)
      }
      let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
      var status = stat()
      if isLocked, unsafe fstat(descriptor, &status) == 0, status.st_nlink == 1 {
        self.descriptor = descriptor
        self.name = name
        return
      }
      close(descriptor)
    }
    throw .resourceTemporarilyUnavailable
  }

  /// Removes the temporaries that killed runs left for a destination.
  static func sweep(for name: [CChar], in folder: Int32) {
    let prefix = prefix(for: name)
    for entry in folderEntries(folder) where isTemporary(entry, prefix: prefix) {
      let descriptor = unsafe openat(
        folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      var status = stat()
      if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
      {
        unsafe unlinkat(folder, entry, 0)
      }
      close(descriptor)
    }
  }

  private static let digitCount = 12

  /// `.NAME.partial-`, with a long name cut so that the whole fits into the 255 bytes of a name.
  private static func prefix(for name: [CChar]) -> [CChar] {
    let dot = CChar(UInt8(ascii: "."))
    return [dot] + name.prefix { $0 != 0 }.prefix(200)
      + ".partial-".utf8.map { CChar(bitPattern: $0) }
  }

  private static func digits() -> [CChar] {
    let digits = Array("0123456789abcdef".utf8)
    return (0..<digitCount).map { _ in CChar(bitPattern: digits[Int.random(in: 0..<16)]) }
  }

  private static func isTemporary(_ entry: [CChar], prefix: [CChar]) -> Bool {
    entry.count == prefix.count + digitCount + 1 && entry.starts(with: prefix)
      && entry[prefix.count..<entry.count - 1].allSatisfy {
        Character(Unicode.Scalar(UInt8(bitPattern: $0))).isHexDigit
      }
  }
}
