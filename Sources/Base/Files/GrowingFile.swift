public import SystemPackage

/// Writes a file that grows from one save to the next, so that whoever has it open sees what is new.
///
/// Where it holds a beginning of the bytes, the rest is appended; any other file is replaced as a whole.
/// A process that ends amid an append leaves a beginning, which the next save completes.
///
/// - Parameters:
///   - bytes: what it will hold.
///   - file: the file; its folder must exist.
/// - Throws: ``FileError/writeFailed(file:reason:)``, or what replacing it throws.
public func writeGrowing(_ bytes: [UInt8], to file: FilePath) throws(FileError) {
  guard let earlier = try? readWhole(file, atMost: bytes.count), bytes.starts(with: earlier) else {
    return try writeAtomically(unsafe bytes.span.bytes, to: file, overwrite: true)
  }
  guard earlier.count < bytes.count else { return }
  AtomicFile.ignoreSizeSignal()
  do {
    let descriptor = try FileDescriptor.open(file, .writeOnly, options: [.append, .closeOnExec])
    try descriptor.closeAfter { _ = try descriptor.writeAll(bytes[earlier.count...]) }
  } catch { throw .writeFailed(file: file, reason: error as? Errno ?? .ioError) }
}
