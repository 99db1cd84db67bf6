package import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A regular file opened for reading; closed when the value goes.
///
/// Opened once and judged by its descriptor, so that nothing can be put in its place in between; a
/// pipe does not make the opening wait.
package struct InputFile: ~Copyable {
  package let path: FilePath
  package let descriptor: Int32
  package let byteCount: Int

  package init(opening path: FilePath) throws(FileError) {
    let descriptor = unsafe path.withPlatformString {
      unsafe open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    }
    guard descriptor >= 0 else { throw .cannotOpen(file: path, reason: Errno(rawValue: errno)) }
    let byteCount: Int
    do { byteCount = try InputFile.byteCount(of: descriptor, path) } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    self.byteCount = byteCount
  }

  deinit { close(descriptor) }

  private static func byteCount(
    of descriptor: Int32, _ path: FilePath
  ) throws(FileError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .cannotOpen(file: path, reason: Errno(rawValue: errno))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .notARegularFile(file: path, kind: FileKind(mode: status.st_mode))
    }
    return Int(status.st_size)
  }

  /// Reads bytes of the file; fewer when it ends before.
  package func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      bytes = try unsafe Array(unsafeUninitializedCapacity: range.count) { buffer, count in
        while count < range.count {
          let part = unsafe pread(
            descriptor, buffer.baseAddress?.advanced(by: count), range.count - count,
            off_t(range.lowerBound + count))
          if part < 0, errno == EINTR { continue }
          if part < 0 { throw Errno(rawValue: errno) }
          if part == 0 { break }
          count += part
        }
      }
    } catch {
      throw .readFailed(file: path, reason: error as? Errno ?? .ioError)
    }
    return bytes
  }
}
