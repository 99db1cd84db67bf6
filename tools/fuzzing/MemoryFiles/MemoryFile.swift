internal import CFuzzing
public import SystemPackage

/// A file that is nowhere but in memory, for readers that take a path.
public enum MemoryFile {
  private static let descriptor = memory_file_create()

  /// Makes these bytes the file's content, and names it. Nothing of its content before may be in use.
  public static func path(holding bytes: RawSpan) -> FilePath {
    let isReplaced = unsafe bytes.withUnsafeBytes {
      unsafe memory_file_replace(descriptor, $0.baseAddress, $0.count)
    }
    precondition(isReplaced, "there is memory for the file")
    return FilePath("/proc/self/fd/\(descriptor)")
  }
}
