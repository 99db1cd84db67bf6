internal import CFileGuard
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// The open folder of an output, the output's name in it, and the temporary that will become it.
///
/// What ``AtomicFile`` and ``AtomicFolder`` share: everything happens relative to one descriptor of
/// the folder, so that moving the folder meanwhile changes nothing.
struct OutputPlace: ~Copyable {
  let path: FilePath
  let folder: Int32
  /// Name of the destination, with its NUL.
  let name: [CChar]

  init(of path: FilePath) throws(FileError) {
    guard let component = path.lastComponent, component.kind == .regular else {
      throw .cannotCreate(file: path, reason: .isDirectory)
    }
    let parent = path.removingLastComponent()
    let folder = unsafe (parent.isEmpty ? "." : parent).withPlatformString {
      unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard folder >= 0 else {
      if errno == ENOENT { throw .noFolder(file: path, folder: parent) }
      throw .cannotCreate(file: path, reason: Errno(rawValue: errno))
    }
    self.path = path
    self.folder = folder
    name = unsafe component.withPlatformString { unsafe OutputPlace.characters($0) }
  }

  deinit { close(folder) }

  /// What is at the destination, a link itself or what it points to; nil when there is nothing.
  func status(followingLinks: Bool) throws(FileError) -> stat? {
    var status = stat()
    let flags = followingLinks ? 0 : AT_SYMLINK_NOFOLLOW
    if unsafe fstatat(folder, name, &status, flags) == 0 { return status }
    if errno == ENOENT { return nil }
    throw .cannotCreate(file: path, reason: Errno(rawValue: errno))
  }

  /// Sweeps, then creates and locks a temporary, and tells the signal handler of it, which no signal
  /// comes in between; `create` makes and opens one of a name.
  ///
  func createTemporary(
    _ create: ([CChar]) -> Int32
  ) throws(FileError) -> Temporary {
    TemporaryName.sweep(for: name, in: folder)
    for _ in 0..<100 {
      let temporary = TemporaryName.make(for: name)
      file_guard_begin_creation()
      defer { file_guard_end_creation() }
      let descriptor = create(temporary)
      if descriptor < 0 {
        if errno == EEXIST || errno == EINTR { continue }
        throw .cannotCreate(file: path, reason: Errno(rawValue: errno))
      }
      if TemporaryName.lock(descriptor) {
        return Temporary(
          name: temporary, descriptor: descriptor, guardSlot: guardTemporary(temporary))
      }
      close(descriptor)
    }
    throw .cannotCreate(file: path, reason: .resourceTemporarilyUnavailable)
  }

  /// Tells the signal handler of a temporary; the slot to forget it by.
  private func guardTemporary(_ temporary: [CChar]) -> Int32 {
    let parent = path.removingLastComponent()
    var bytes = unsafe parent.withPlatformString { unsafe OutputPlace.characters($0) }
    bytes.removeLast()
    if !bytes.isEmpty { bytes.append(CChar(UInt8(ascii: "/"))) }
    return unsafe file_guard_add_temporary(bytes + temporary)
  }

  /// Makes the names in the folder durable.
  func synchronize() -> Errno? {
    // Some file systems have nothing to synchronise for a folder and say so.
    if fsync(folder) == 0 || errno == EINVAL { return nil }
    return Errno(rawValue: errno)
  }

  /// The characters of a C string, with its NUL.
  private static func characters(_ string: UnsafePointer<CChar>) -> [CChar] {
    unsafe Array(UnsafeBufferPointer(start: string, count: strlen(string) + 1))
  }
}
