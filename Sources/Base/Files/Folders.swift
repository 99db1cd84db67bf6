public import SystemPackage
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// The names of a folder's entries but `.` and `..`, in the order of their bytes; nil when it can't
/// be read, and then `errno` says why. Names that are not UTF-8 are left out.
public func folderNames(_ path: FilePath) -> [String]? {
  entryNames(path)?.compactMap(\.self).filter { $0 != "." && $0 != ".." }
    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// How many of a folder's entries ``folderNames(_:)`` leaves out, since their names are not UTF-8.
package func unreadableNameCount(inFolder path: FilePath) -> Int {
  entryNames(path)?.count { $0 == nil } ?? 0
}

/// The names of a folder's entries in the system's order, nil for those that are not UTF-8; nil when it
/// can't be read.
private func entryNames(_ path: FilePath) -> [String?]? {
  let folder = unsafe (path.isEmpty ? "." : path).withPlatformString {
    unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }
  guard folder >= 0 else { return nil }
  defer { close(folder) }
  return folderEntries(folder).map {
    String(validating: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The names in a folder that don't begin with a dot; see ``folderNames(_:)``.
package func visibleEntries(ofFolder path: FilePath) -> [String]? {
  folderNames(path)?.filter { !$0.utf8HasPrefix(".") }
}

/// Makes a folder, and those above it; one that is there already is kept.
///
/// - Throws: ``FileError/cannotCreate(file:reason:)`` that names the one that can't be made.
public func makeFolder(_ folder: FilePath) throws(FileError) {
  var path = FilePath(root: folder.root, [])
  for component in folder.components {
    path.append(component)
    if unsafe mkdir(path.string, 0o777) != 0, errno != EEXIST, errno != EISDIR {
      throw .cannotCreate(file: path, reason: Errno(rawValue: errno))
    }
  }
}

/// Removes a file, or a folder that is empty; nothing happens where there is none.
public func removeEntry(_ path: FilePath) {
  unsafe path.withPlatformString { path in
    if unsafe unlink(path) != 0, errno == EISDIR || errno == EPERM { unsafe rmdir(path) }
  }
}
