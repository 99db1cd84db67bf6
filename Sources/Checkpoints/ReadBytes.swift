internal import SystemPackage

/// Reads a whole small file; a bigger one, a folder or a pipe is an error.
func readBytes(of file: FilePath, atMost limit: Int) throws(CheckpointError) -> [UInt8] {
  do {
    let descriptor = try FileDescriptor.open(
      file, .readOnly, options: [.closeOnExec, .nonBlocking])
    return try descriptor.closeAfter { try readBytes(of: descriptor, atMost: limit + 1) }
      .checked(file: file, limit: limit)
  } catch let error as CheckpointError {
    throw error
  } catch {
    throw .cannotRead(file: file, reason: error as? Errno ?? .ioError)
  }
}

private func readBytes(of descriptor: FileDescriptor, atMost limit: Int) throws -> [UInt8] {
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while bytes.count < limit {
    let count = try unsafe chunk.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
    if count == 0 { break }
    bytes += chunk.prefix(count)
  }
  return bytes
}

extension [UInt8] {
  fileprivate func checked(file: FilePath, limit: Int) throws(CheckpointError) -> [UInt8] {
    guard count <= limit else {
      throw .malformedConfiguration(
        file: file, detail: "over \(limit) bytes, too large for a configuration")
    }
    return self
  }
}
