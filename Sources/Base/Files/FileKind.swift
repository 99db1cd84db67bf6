#if canImport(Glibc)
  internal import Glibc
#endif

/// What a path names, when it isn't a regular file.
public enum FileKind: String, Sendable {
  case folder = "a folder"
  case pipe = "a pipe"
  case socket = "a socket"
  case device = "a device"
  case other = "not a regular file"

  init(mode: UInt32) {
    self =
      switch mode & S_IFMT {
      case S_IFDIR: .folder
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      case S_IFCHR, S_IFBLK: .device
      default: .other
      }
  }
}
