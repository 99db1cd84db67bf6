public import SystemPackage

/// Reads a whole small file.
///
/// - Parameters:
///   - file: a regular file, unless pipes are let in: nothing then makes the opening wait.
///   - limit: the most bytes that it may have.
///   - takesPipes: whether a pipe or a device is read too, to its end: for what a person names.
/// - Returns: its bytes.
/// - Throws: ``FileError/cannotOpen(file:reason:)``, ``FileError/notARegularFile(file:kind:)``,
///   ``FileError/readFailed(file:reason:)``, ``FileError/tooLarge(file:limit:)``.
public func readWhole(
  _ file: FilePath, atMost limit: Int, takesPipes: Bool = false
) throws(FileError) -> [UInt8] {
  let descriptor: FileDescriptor
  do {
    descriptor = try FileDescriptor.open(
      file, .readOnly, options: takesPipes ? .closeOnExec : [.closeOnExec, .nonBlocking])
  } catch {
    throw .cannotOpen(file: file, reason: error as? Errno ?? .ioError)
  }
  defer { try? descriptor.close() }
  if let kind = file.kind, !file.isRegularFile, kind == .folder || !takesPipes {
    throw .notARegularFile(file: file, kind: kind)
  }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 1 << 16)
  while bytes.count <= limit {
    let count: Int
    do {
      count = try unsafe block.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
    } catch {
      throw .readFailed(file: file, reason: error as? Errno ?? .ioError)
    }
    if count == 0 { return bytes }
    bytes += block.prefix(count)
  }
  throw .tooLarge(file: file, limit: limit)
}
