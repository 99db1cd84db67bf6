package import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// What tells a file or folder from every other, whatever it is called.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  /// The identity of what a path names, links followed; nil when there is nothing.
  package init?(of path: FilePath) {
    var status = stat()
    let result = unsafe (path.isEmpty ? "." : path).withPlatformString {
      unsafe stat($0, &status)
    }
    guard result == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}
