internal import Files
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A folder of its own for a test, removed with all it holds when the value goes.
public final class TemporaryFolder: Sendable {
  /// Where the folder is.
  public let path: FilePath

  /// Creates an empty folder in the system's place for temporary files.
  public init() throws {
    var template = Array("/tmp/glance-tests-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    path = unsafe template.withUnsafeBufferPointer {
      unsafe FilePath(platformString: $0.baseAddress!)
    }
  }

  deinit { TemporaryFolder.remove(path) }

  /// The names in the folder, sorted.
  public var entries: [String] { TemporaryFolder.names(in: path) }

  /// The names in any folder, sorted.
  public static func names(in folder: FilePath) -> [String] {
    entries(of: folder).map(\.string).sorted()
  }

  /// Writes a file of this folder.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> FilePath {
    let file = path.appending(name)
    let descriptor = try FileDescriptor.open(
      file, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
    try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
    return file
  }

  /// Removes a file or folder of this folder.
  public func remove(_ name: String) { TemporaryFolder.remove(path.appending(name)) }

  /// Makes a symbolic link of this folder.
  @discardableResult
  public func link(_ name: String, to target: String) throws -> FilePath {
    try check(unsafe symlink(target, path.appending(name).string))
    return path.appending(name)
  }

  /// Gives a file of this folder a second name.
  @discardableResult
  public func hardLink(_ name: String, to existing: String) throws -> FilePath {
    try check(
      unsafe Glibc.link(path.appending(existing).string, path.appending(name).string))
    return path.appending(name)
  }

  /// Sets who may do what with a file of this folder.
  public func setPermissions(_ permissions: FilePermissions, of name: String) throws {
    try check(unsafe chmod(path.appending(name).string, permissions.rawValue))
  }

  /// Makes a folder in this folder.
  @discardableResult
  public func makeFolder(_ name: String) throws -> FilePath {
    try check(unsafe mkdir(path.appending(name).string, 0o755))
    return path.appending(name)
  }

  /// Makes a pipe with a name in this folder.
  @discardableResult
  public func makePipe(_ name: String) throws -> FilePath {
    try check(unsafe mkfifo(path.appending(name).string, 0o644))
    return path.appending(name)
  }

  private func check(_ result: Int32) throws {
    if result != 0 { throw Errno(rawValue: errno) }
  }

  /// The names in a folder as paths of one component, which need not be UTF-8.
  private static func entries(of folder: FilePath) -> [FilePath] {
    guard let stream = unsafe folder.withPlatformString({ unsafe opendir($0) }) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [FilePath] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe FilePath(
          platformString: UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private static func remove(_ path: FilePath) {
    if unsafe path.withPlatformString({ unsafe unlink($0) }) == 0 { return }
    for name in entries(of: path) { remove(path.pushing(name)) }
    _ = unsafe path.withPlatformString { unsafe rmdir($0) }
  }
}

/// All bytes of a file.
public func contents(of file: FilePath) throws -> [UInt8] {
  let descriptor = try FileDescriptor.open(file, .readOnly)
  return try descriptor.closeAfter {
    let count = Int(try descriptor.seek(offset: 0, from: .end))
    return try unsafe Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = unsafe try descriptor.read(
        fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}
