public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Files that are added to a folder which holds others too: none appears before all are written, and none of
/// the others is touched.
///
/// Files are written under ``workingPath``, each where it will be under the folder; ``commit()`` moves them there.
public final class FileBatch: Sendable {
  /// Where files are written until ``commit()``.
  public var workingPath: FilePath { working.workingPath }

  private let folder: FilePath
  private let files: [FilePath]
  private let overwrite: Bool
  private let isNew: Bool
  private let working: AtomicFolder

  /// Makes the folder where there is none.
  ///
  /// - Parameters:
  ///   - folder: the folder.
  ///   - files: what will be written, as paths from the folder.
  ///   - overwrite: whether files that are there may be replaced.
  /// - Throws: ``FileError/destinationExists(file:)`` for a file that is there, and
  ///   ``FileError/cannotCreate(file:reason:)``.
  public init(into folder: FilePath, _ files: [FilePath], overwrite: Bool) throws(FileError) {
    self.folder = folder
    self.files = files
    self.overwrite = overwrite
    isNew = FileIdentity(of: folder) == nil
    try Self.check(files, in: folder, overwrite: overwrite)
    try makeFolder(folder)
    working = try AtomicFolder(creating: folder.appending(".new-files"), overwrite: false)
  }

  deinit {
    working.discard()
    // It is gone only when nothing was put into it.
    if isNew { removeEntry(folder) }
  }

  /// Moves the files to their places.
  ///
  /// - Throws: ``FileError/destinationExists(file:)`` for a file that came meanwhile, and
  ///   ``FileError/writeFailed(file:reason:)``.
  public func commit() throws(FileError) {
    try Self.check(files, in: folder, overwrite: overwrite)
    for file in files {
      let place = folder.pushing(file)
      try makeFolder(place.removingLastComponent())
      guard unsafe rename(workingPath.pushing(file).string, place.string) == 0 else {
        throw .writeFailed(file: place, reason: Errno(rawValue: errno))
      }
    }
    working.discard()
  }

  private static func check(
    _ files: [FilePath], in folder: FilePath, overwrite: Bool
  ) throws(FileError) {
    for file in files {
      let place = folder.pushing(file)
      guard FileIdentity(of: place) != nil else { continue }
      guard overwrite else { throw .destinationExists(file: place) }
      guard place.isRegularFile else {
        throw .cannotReplaceFolder(folder: place, reason: "it is not a file")
      }
    }
  }
}
