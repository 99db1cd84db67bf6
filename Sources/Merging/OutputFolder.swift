internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A folder that appears complete or not at all: it is made under another name beside its
/// destination, `.NAME.partial-PID`, and renamed when everything in it is written.
enum OutputFolder {
  /// Makes a folder.
  ///
  /// - Parameters:
  ///   - destination: what it will be called.
  ///   - overwrite: whether a folder that is there may be replaced.
  ///   - fill: writes what belongs into it.
  /// - Returns: what `fill` returns.
  /// - Throws: when the destination can't be made, or what `fill` throws.
  static func make<Result>(
    _ destination: FilePath, overwrite: Bool, _ fill: (FilePath) throws -> Result
  ) throws -> Result {
    let parent = destination.removingLastComponent()
    let name = destination.lastComponent?.string ?? "output"
    let exists = unsafe access(destination.string, F_OK) == 0
    if exists, !overwrite {
      throw MergeError.cannotCreate(file: destination, reason: .fileExists)
    }
    removeLeftovers(of: name, in: parent)
    let partial = parent.appending(".\(name).partial-\(getpid())")
    try FolderCopy.makeFolder(partial)
    let result: Result
    do { result = try fill(partial) } catch {
      remove(partial)
      throw error
    }
    let old = parent.appending(".\(name).old-\(getpid())")
    if exists, unsafe rename(destination.string, old.string) != 0 {
      remove(partial)
      throw MergeError.cannotCreate(file: destination, reason: Errno(rawValue: errno))
    }
    guard unsafe rename(partial.string, destination.string) == 0 else {
      let reason = Errno(rawValue: errno)
      if exists { unsafe rename(old.string, destination.string) }
      remove(partial)
      throw MergeError.cannotCreate(file: destination, reason: reason)
    }
    if exists { remove(old) }
    return result
  }

  /// Removes what runs left behind that were killed; those of living processes stay.
  private static func removeLeftovers(of name: String, in parent: FilePath) {
    for entry in FolderCopy.names(in: parent) where entry.hasPrefix(".\(name).partial-") {
      guard let process = Int32(entry.dropFirst(".\(name).partial-".count)) else { continue }
      if kill(process, 0) != 0, errno == ESRCH { remove(parent.appending(entry)) }
    }
  }

  /// Removes a folder and what is in it; links are removed, not followed.
  private static func remove(_ folder: FilePath) {
    for name in FolderCopy.names(in: folder) {
      let path = folder.appending(name)
      if unsafe unlink(path.string) != 0 { remove(path) }
    }
    unsafe rmdir(folder.string)
  }
}
