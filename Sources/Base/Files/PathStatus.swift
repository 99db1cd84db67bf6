public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// What there is at a path: the questions that need no opening.
extension FilePath {
  /// Whether the path names anything, links followed.
  public var isThere: Bool { unsafe withPlatformString { unsafe access($0, F_OK) == 0 } }

  /// Whether there is an entry of this name, a link to nothing included.
  public var isTaken: Bool { status(of: self, followingLinks: false) != nil }

  /// Whether the path names a folder, links followed.
  public var isFolder: Bool { mode.map { $0 & S_IFMT == S_IFDIR } ?? false }

  /// Whether the path names a regular file, links followed.
  public var isRegularFile: Bool { mode.map { $0 & S_IFMT == S_IFREG } ?? false }

  /// Bytes of the file that the path names; nil when it can't be asked.
  public var byteCount: Int? { status(of: self, followingLinks: true).map { Int($0.st_size) } }

  /// What kind of thing the path names, when it is no regular file.
  var kind: FileKind? { mode.map { FileKind(mode: $0) } }

  private var mode: mode_t? { status(of: self, followingLinks: true)?.st_mode }
}

/// What the system says of a path; nil when it can't be asked.
func status(of path: FilePath, followingLinks: Bool) -> stat? {
  var status = stat()
  let flags = followingLinks ? 0 : AT_SYMLINK_NOFOLLOW
  let result = unsafe (path.isEmpty ? "." : path).withPlatformString {
    unsafe fstatat(AT_FDCWD, $0, &status, flags)
  }
  return result == 0 ? status : nil
}
