public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// What the system says of a file's contents without reading them: which file it is, how long, and when its
/// bytes and its entry were changed last. Whoever writes to a file, or puts another in its place, changes it:
/// the last of the times can be set by nobody but the system.
///
/// Source: POSIX.1-2024, `sys/stat.h` and XBD 4.12, "File times update".
public struct FileStamp: Hashable, Sendable {
  /// Bytes of the file.
  public let byteCount: Int
  private let device: UInt64
  private let inode: UInt64
  private let modified: Time
  private let changed: Time

  private struct Time: Hashable, Comparable, CustomStringConvertible {
    let seconds: Int
    let nanoseconds: Int

    init(_ time: timespec) {
      seconds = Int(time.tv_sec)
      nanoseconds = Int(time.tv_nsec)
    }

    static func < (a: Time, b: Time) -> Bool {
      (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }

    var description: String { "\(seconds)s\(nanoseconds)" }
  }

  /// The stamp of the regular file that a path names, links followed; nil where there is none.
  public init?(of path: FilePath) {
    guard let status = status(of: path, followingLinks: true), status.st_mode & S_IFMT == S_IFREG
    else { return nil }
    byteCount = Int(status.st_size)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    modified = Time(status.st_mtim)
    changed = Time(status.st_ctim)
  }

  /// Whether the last change is so long ago that one more, made since the file was looked at, could not have
  /// left the same times: clocks of file systems move in steps, of two seconds where they are coarsest.
  public func isSettled(for seconds: Int) -> Bool {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return max(modified, changed).seconds + seconds <= Int(now.tv_sec)
  }
}

extension FileStamp: CustomStringConvertible {
  /// Everything of it in one line.
  public var description: String { "\(device):\(inode):\(byteCount):\(modified):\(changed)" }
}

/// Some files as they were at a time.
public struct FileSnapshot: Sendable {
  /// The files.
  public let files: [FilePath]
  /// The stamp of each.
  public let stamps: [FileStamp]

  /// The files as they are now; nil where one isn't there.
  public init?(of files: [FilePath]) {
    stamps = files.compactMap { FileStamp(of: $0) }
    guard stamps.count == files.count else { return nil }
    self.files = files
  }

  /// Whether the files are now as they were.
  public var isUnchanged: Bool { FileSnapshot(of: files)?.stamps == stamps }

  /// Bytes of all files.
  public var byteCount: Int { stamps.reduce(0) { $0 + $1.byteCount } }
}

extension FilePath {
  /// When the bytes of what is at a path were changed last, in seconds since 1970; nil when it can't be asked.
  public var modificationTime: Double? {
    status(of: self, followingLinks: false).map {
      Double($0.st_mtim.tv_sec) + Double($0.st_mtim.tv_nsec) / 1e9
    }
  }
}

/// Gives a file the present as the time of its last change, where that is allowed.
public func touch(_ file: FilePath) {
  _ = unsafe file.withPlatformString { unsafe utimensat(AT_FDCWD, $0, nil, 0) }
}
