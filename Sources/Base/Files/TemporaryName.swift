internal import CFileGuard

#if canImport(Glibc)
  internal import Glibc
#endif

/// The names of outputs that are not finished: `.NAME.partial-<12 hex digits>`, beside NAME.
///
/// Their writer holds a `flock` on them for as long as it lives. So one that can be locked was left
/// by a killed run, and whoever writes the same destination next removes it.
enum TemporaryName {
  /// A new name for a destination; both with their closing NUL.
  static func make(for name: [CChar]) -> [CChar] {
    let digits = Array("0123456789abcdef".utf8)
    let random = (0..<digitCount).map { _ in CChar(bitPattern: digits[Int.random(in: 0..<16)]) }
    return prefix(for: name) + random + [0]
  }

  /// Locks an output just created. Whether it still has its name: a sweep of another process may
  /// have taken it between its creation and its lock.
  static func lock(_ descriptor: Int32) -> Bool {
    // Without locks on this file system nobody sweeps, either.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { return false }
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  /// Removes what killed runs left for a destination.
  static func sweep(for name: [CChar], in folder: Int32) {
    let prefix = prefix(for: name)
    for entry in folderEntries(folder) where isTemporary(entry, prefix: prefix) {
      let descriptor = unsafe openat(
        folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      var status = stat()
      if unsafe fstat(descriptor, &status) == 0,
        status.st_mode & S_IFMT == S_IFREG || status.st_mode & S_IFMT == S_IFDIR,
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
      {
        unsafe file_guard_remove_tree(folder, entry)
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

  private static func isTemporary(_ entry: [CChar], prefix: [CChar]) -> Bool {
    entry.count == prefix.count + digitCount + 1 && entry.starts(with: prefix)
      && entry[prefix.count..<entry.count - 1].allSatisfy {
        Character(Unicode.Scalar(UInt8(bitPattern: $0))).isHexDigit
      }
  }
}
