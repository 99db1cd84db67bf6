internal import CFileGuard
internal import CZstd
internal import Files
internal import Safetensors
internal import Synchronization
public import SystemPackage
public import Tensors

#if canImport(Glibc)
  internal import Glibc
#endif

/// A whole safetensors file that some other program compressed with zstd: `NAME.safetensors.zst`.
///
/// Such a file can only be read from its beginning. Opening decodes it once without keeping anything,
/// so that damage shows; whoever then asks for a tensor's bytes has all of it decoded into a file
/// without a name in the temporary folder, which is mapped.
struct ZstdFile: Sendable {
  let path: FilePath
  /// What the decoded file begins with.
  let header: HeaderBytes
  private let packed: TensorView

  /// Opens a file and checks every byte of it.
  init(opening path: FilePath) throws {
    self.path = path
    packed = try mapFile(path)
    var start: [UInt8] = []
    var header: HeaderBytes?
    var total = 0
    try ZstdFile.decode(packed, path) { part in
      total += part.byteCount
      if let header {
        guard total <= header.fileByteCount else {
          throw SafetensorsError.trailingBytes(file: path, count: total - header.fileByteCount)
        }
        return
      }
      start += part.bytes(0..<part.byteCount)
      guard let byteCount = try ZstdFile.headerByteCount(start, path), start.count >= byteCount
      else { return }
      let found = try HeaderBytes(parsing: Array(start[..<byteCount]), file: path)
      guard total <= found.fileByteCount else {
        throw SafetensorsError.trailingBytes(file: path, count: total - found.fileByteCount)
      }
      header = found
      start = []
    }
    guard let header else {
      throw start.count < 8
        ? SafetensorsError.tooShort(file: path, byteCount: start.count)
        : SafetensorsError.headerTruncated(
          file: path, declared: (try ZstdFile.headerByteCount(start, path) ?? 8) - 8,
          available: start.count - 8)
    }
    guard total == header.fileByteCount else {
      throw SafetensorsError.truncated(file: path, expected: header.fileByteCount, found: total)
    }
    self.header = header
  }

  /// Where the header ends; nil when its length isn't there yet.
  private static func headerByteCount(
    _ start: [UInt8], _ path: FilePath
  ) throws -> Int? {
    guard start.count >= 8 else { return nil }
    let declared = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard declared <= UInt64(HeaderBytes.byteLimit) else {
      throw SafetensorsError.headerTooLarge(
        file: path, declared: declared, limit: HeaderBytes.byteLimit)
    }
    return 8 + Int(declared)
  }

  /// Decodes all of it into a file without a name, and maps that.
  func decoded() throws(FileError) -> TensorView {
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    let descriptor = unsafe file_guard_open_unnamed(folder)
    guard descriptor >= 0 else {
      throw .cannotCreate(file: FilePath(folder), reason: Errno(rawValue: errno))
    }
    defer { close(descriptor) }
    let output = FileDescriptor(rawValue: descriptor)
    do {
      try ZstdFile.decode(packed, path) { part in
        _ = try unsafe part.withUnsafeBytes { try unsafe output.writeAll($0) }
      }
    } catch {
      throw error as? FileError
        ?? .writeFailed(file: FilePath(folder), reason: error as? Errno ?? .ioError)
    }
    return try mapFile(FilePath("/proc/self/fd/\(descriptor)"))
  }

  /// Decodes frame after frame in portions.
  private static func decode(
    _ packed: TensorView, _ path: FilePath, _ take: (RawSpan) throws -> Void
  ) throws {
    guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
    defer { unsafe ZSTD_freeDCtx(context) }
    // What the zstd command accepts by default: more could ask for any amount of memory.
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
    let buffer = Memory(byteCount: 1 << 20)
    var position = 0
    var isComplete = true
    var isFull = false
    // A full buffer may leave more to come, also when all input is taken.
    while position < packed.byteCount || isFull {
      let (code, read, made) = unsafe packed.bytes.withUnsafeBytes { bytes in
        var input = unsafe ZSTD_inBuffer(
          src: bytes.baseAddress, size: bytes.count, pos: position)
        var output = unsafe ZSTD_outBuffer(dst: buffer.start, size: buffer.byteCount, pos: 0)
        let code = unsafe ZSTD_decompressStream(context, &output, &input)
        return unsafe (code, input.pos, output.pos)
      }
      guard ZSTD_isError(code) == 0 else {
        let reason = unsafe String(cString: ZSTD_getErrorName(code))
        throw FileError.damagedContent(file: path, detail: "zstd: \(reason)")
      }
      position = read
      isComplete = code == 0
      isFull = made == buffer.byteCount && !isComplete
      if made > 0 { try buffer.withBytes(made, take) }
    }
    guard isComplete else {
      throw FileError.damagedContent(file: path, detail: "zstd: the last frame is cut")
    }
  }
}

extension TensorSource {
  /// Opens a whole safetensors file that some other program compressed with zstd, and checks every
  /// byte of it. Asking for bytes of a tensor decodes the file into the temporary folder.
  public init(zstd path: FilePath) throws {
    let file = try ZstdFile(opening: path)
    let decoded = DecodedFile(file)
    let tensors = file.header.tensors.indices.map { index in
      let tensor = file.header.tensors[index]
      return TensorView(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        content: DecodedTensor(file: decoded, range: file.header.byteRanges[index]))
    }
    try self.init(
      path: path, container: .zstd, files: [path], tensors: tensors,
      metadata: file.header.metadata)
  }
}

/// A file that is decoded when its bytes are first asked for.
private final class DecodedFile: Sendable {
  let path: FilePath
  private let file: ZstdFile
  private let decoded = Mutex<TensorView?>(nil)

  init(_ file: ZstdFile) {
    self.file = file
    path = file.path
  }

  var bytes: TensorView {
    get throws(FileError) {
      try decoded.withLock { decoded throws(FileError) in
        if let decoded { return decoded }
        let found = try file.decoded()
        decoded = found
        return found
      }
    }
  }
}

/// A tensor of such a file.
private struct DecodedTensor: TensorContent {
  let file: FilePath
  private let decoded: DecodedFile
  private let range: Range<Int>

  init(file: DecodedFile, range: Range<Int>) {
    self.file = file.path
    decoded = file
    self.range = range
  }

  func read(_ part: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    let whole = try decoded.bytes
    let start = range.lowerBound + part.lowerBound
    let bytes = whole.bytes.extracting(start..<start + part.count)
    unsafe bytes.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
    }
  }
}
