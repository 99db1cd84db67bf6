public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

extension PictureFile {
  /// The bytes of a picture's file, once it begins like a picture.
  public static func contents(of path: FilePath) throws(PictureError) -> [UInt8] {
    try FileReading.bytes(of: path).1
  }
}

/// Reads a picture's file whole, once it begins like a picture.
///
/// The file is opened once and judged by that descriptor; opening does not wait for the other end
/// of a pipe.
enum FileReading {
  /// Bytes that a file may have: the largest picture within the pixel limit, as a PNG of four
  /// 16-bit channels that was not compressed, is 683 MiB; the rest is room for profiles and texts.
  static let byteLimit = 1 << 30

  /// Enough to tell every format by.
  private static let headByteCount = 64

  static func bytes(of file: FilePath) throws(PictureError) -> (PictureFormat, [UInt8]) {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        file, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch {
      throw .cannotOpen(file: file, reason: error as? Errno ?? .ioError)
    }
    defer { try? descriptor.close() }

    let byteCount = try size(of: descriptor, file)
    let head = try read(min(byteCount, headByteCount), from: 0, of: descriptor, file)
    guard let format = PictureFormat(magic: head) else {
      throw .unsupportedFormat(file: file, found: PictureFormat.describe(foreign: head))
    }
    guard byteCount <= byteLimit else {
      throw .fileTooLarge(file: file, byteCount: byteCount, limit: byteLimit)
    }
    return (format, try read(byteCount, from: 0, of: descriptor, file))
  }

  private static func size(
    of descriptor: FileDescriptor, _ file: FilePath
  ) throws(PictureError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor.rawValue, &status) == 0 else {
      throw .cannotRead(file: file, reason: Errno(rawValue: errno))
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(file: file) }
    return Int(status.st_size)
  }

  /// Fewer bytes than asked for when the file has shrunk since.
  private static func read(
    _ count: Int, from offset: Int, of descriptor: FileDescriptor, _ file: FilePath
  ) throws(PictureError) -> [UInt8] {
    do {
      return unsafe try Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
        while initializedCount < count {
          let rest = unsafe UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[initializedCount...])
          let got = unsafe try descriptor.read(
            fromAbsoluteOffset: Int64(offset + initializedCount), into: rest)
          if got == 0 { break }
          initializedCount += got
        }
      }
    } catch {
      throw .cannotRead(file: file, reason: error as? Errno ?? .ioError)
    }
  }
}
