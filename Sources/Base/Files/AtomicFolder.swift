internal import CFileGuard
public import SystemPackage
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// A folder of checkpoint files that appears at its destination complete or not at all.
///
/// Files are written into ``workingPath``, a sibling of the destination, with ``AtomicFile``,
/// ``SafetensorsWriter`` or ``ShardedWriter``; ``commit()`` gives the folder its name. A folder that
/// exists is replaced as a whole, and only when it is of the same kind.
public final class AtomicFolder: Sendable {
  /// What a folder holds.
  public enum Kind: Sendable {
    /// Nothing but the files of a checkpoint.
    case checkpoint
    /// A pipeline: model_index.json, and a folder for each of these components. One that has other folders isn't
    /// replaced.
    case pipeline(components: [String])
    /// Entries of these names: several outputs that belong together.
    case folders([String])
  }

  /// The destination.
  public let path: FilePath
  /// Where files are written until ``commit()``.
  public let workingPath: FilePath

  private let kind: Kind
  private let place: OutputPlace
  private let overwrite: Bool
  private let temporary: Temporary

  /// Creates the working folder, after removing those that killed runs left for this destination.
  ///
  /// - Parameters:
  ///   - path: the destination; the folder it is in must exist. An empty folder may be there.
  ///   - kind: what it will hold.
  ///   - overwrite: whether a folder of the same kind may be replaced.
  /// - Throws: ``FileError/destinationExists(file:)``,
  ///   ``FileError/cannotReplaceFolder(folder:reason:)`` or
  ///   ``FileError/cannotCreate(file:reason:)``.
  public init(
    creating path: FilePath, kind: Kind = .checkpoint, overwrite: Bool
  ) throws(FileError) {
    let place = try OutputPlace(of: path)
    try AtomicFolder.checkDestination(place, kind, overwrite: overwrite)
    let folder = place.folder
    let temporary = try place.createTemporary { name in
      guard unsafe mkdirat(folder, name, 0o777) == 0 else { return -1 }
      return unsafe openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    self.path = path
    self.kind = kind
    self.overwrite = overwrite
    self.temporary = temporary
    workingPath = unsafe temporary.name.withUnsafeBufferPointer { name in
      guard let start = name.baseAddress else { return path }
      return unsafe path.removingLastComponent().pushing(FilePath(platformString: start))
    }
    self.place = place
  }

  deinit { discard() }

  /// Gives the folder its name. After an error nothing is left, and what was there is as it was.
  public func commit() throws(FileError) {
    precondition(temporary.isOpen, "a folder is committed once, and not after discard()")
    do throws(FileError) {
      guard fsync(temporary.descriptor) == 0 || errno == EINVAL else {
        throw .writeFailed(file: path, reason: Errno(rawValue: errno))
      }
      // Again, because files may have come meanwhile.
      try AtomicFolder.checkDestination(place, kind, overwrite: overwrite)
      try rename()
    } catch {
      discard()
      throw error
    }
    let failure = place.synchronize()
    // After an exchange the temporary name is the old folder's.
    temporary.finish { unsafe file_guard_remove_tree(place.folder, temporary.name) }
    if let failure { throw .writeFailed(file: path, reason: failure) }
  }

  /// Gives the output up: removes the working folder. Nothing happens after ``commit()``.
  public func discard() {
    temporary.finish { unsafe file_guard_remove_tree(place.folder, temporary.name) }
  }

  private func rename() throws(FileError) {
    // Replaces nothing, or an empty folder.
    if unsafe renameat(place.folder, temporary.name, place.folder, place.name) == 0 { return }
    let isTaken = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
    guard isTaken, overwrite else {
      throw isTaken
        ? .destinationExists(file: path)
        : .writeFailed(file: path, reason: Errno(rawValue: errno))
    }
    if unsafe file_guard_exchange(place.folder, temporary.name, place.name) == 0 { return }
    guard errno == EINVAL || errno == ENOSYS else {
      throw .writeFailed(file: path, reason: Errno(rawValue: errno))
    }
    throw .cannotReplaceFolder(
      folder: path, reason: "this file system can't exchange two folders in one step")
  }

  private static func checkDestination(
    _ place: borrowing OutputPlace, _ kind: Kind, overwrite: Bool
  ) throws(FileError) {
    guard let status = try place.status(followingLinks: false) else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      if !overwrite { throw .destinationExists(file: place.path) }
      throw .cannotReplaceFolder(folder: place.path, reason: "it is not a folder")
    }
    let entries = try names(in: place)
    if entries.isEmpty { return }
    guard overwrite else { throw .destinationExists(file: place.path) }
    switch kind {
    case .pipeline(let components)
    where entries.contains("model_index.json")
      || entries.contains("modular_model_index.json"):
      let foreign = entries.filter {
        !components.contains($0) && place.path.appending($0).isFolder
      }
      guard foreign.isEmpty else {
        throw .cannotReplaceFolder(
          folder: place.path,
          reason: "it holds other folders than the pipeline's components (\(shortList(foreign)))")
      }
      return
    case .folders(let names) where entries.allSatisfy({ isOutput($0, names) }): return
    default: break
    }
    let foreign = entries.filter { !isCheckpointFile($0) }
    guard foreign.isEmpty else {
      throw .cannotReplaceFolder(
        folder: place.path,
        reason: "it holds other things than a checkpoint's files (\(shortList(foreign)))")
    }
  }

  private static func names(
    in place: borrowing OutputPlace
  ) throws(FileError) -> [String] {
    let descriptor = unsafe openat(
      place.folder, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .cannotCreate(file: place.path, reason: Errno(rawValue: errno))
    }
    defer { close(descriptor) }
    return folderEntries(descriptor)
      .map { String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
      .filter { $0 != "." && $0 != ".." }
      .sorted()
  }

  /// Whether an entry is one of some outputs, or what undoes it.
  private static func isOutput(_ entry: String, _ names: [String]) -> Bool {
    names.contains { name in
      let stem = name.droppingSuffix(".safetensors") ?? name
      return entry == name || entry == stem || entry == stem + ".safetensors"
        || entry == stem + ".undo.safetensors"
    }
  }

  private static func isCheckpointFile(_ name: String) -> Bool {
    name.droppingSuffix(".safetensors") != nil || name.droppingSuffix(".json") != nil
  }
}
