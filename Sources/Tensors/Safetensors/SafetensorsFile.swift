internal import Files
internal import JSON
public import SystemPackage
public import Tensors
internal import Text

/// A safetensors file opened for reading.
public struct SafetensorsFile: Sendable {
  /// Where the file is.
  public let path: FilePath
  /// Size of the whole file.
  public let byteCount: Int
  /// Size of the header's JSON with its padding; the data begin eight bytes later.
  public let headerByteCount: Int
  /// In the order of the header.
  public let tensors: [TensorView]
  /// The texts of the header's `__metadata__`, in its order.
  public let metadata: Metadata

  private let index: UTF8Index
  private let storage: ByteStorage

  /// Opens a file and checks its header against the format and the file's size; reads no tensor
  /// data.
  ///
  /// Takes well under a millisecond for the header of a large model. A header of the largest size
  /// allowed needs about three times its size in memory.
  public init(opening path: FilePath) throws {
    let file = try InputFile(opening: path)
    let headerByteCount: Int
    let header: Header
    do {
      headerByteCount = try SafetensorsFile.headerByteCount(of: file)
      header = try SafetensorsFile.readHeader(of: file, byteCount: headerByteCount)
    } catch {
      // Not even a header: perhaps another format altogether.
      let firstBytes = try file.read(0..<min(512, file.byteCount))
      guard var format = ForeignFormat(firstBytes: firstBytes) else { throw error }
      if format == .zip, try ZipEntries.hasPickle(file) { format = .torchZip }
      throw SafetensorsError.notSafetensors(file: path, format: format)
    }
    let dataStart = 8 + headerByteCount
    try SafetensorsFile.check(header, file: file, available: file.byteCount - dataStart)
    let storage = try ByteStorage(mapping: file)
    tensors = header.entries.map {
      TensorView(
        name: $0.name, dtype: $0.dtype, shape: $0.shape, storage: storage,
        byteRange: dataStart + $0.begin..<dataStart + $0.end)
    }
    self.path = path
    byteCount = file.byteCount
    self.headerByteCount = headerByteCount
    metadata = header.metadata
    index = header.index
    self.storage = storage
  }

  /// The file's first bytes as they are: length word, JSON, padding.
  package var headerBytes: RawSpan {
    @_lifetime(borrow self)
    get { storage.bytes.extracting(0..<8 + headerByteCount) }
  }

  /// The tensor of a name.
  public func tensor(named name: String) throws -> TensorView {
    guard let found = find(name) else { throw TensorError.missingTensor(file: path, tensor: name) }
    return found
  }

  /// The tensor of a name, or nil.
  public func find(_ name: String) -> TensorView? {
    index.position(of: name, name: { tensors[$0].name }).map { tensors[$0] }
  }
}

/// The rules, in the order in which the official reader checks them.
extension SafetensorsFile {
  private static func headerByteCount(
    of file: borrowing InputFile
  ) throws -> Int {
    let word = try file.read(0..<8)
    guard word.count == 8 else {
      throw SafetensorsError.tooShort(file: file.path, byteCount: word.count)
    }
    let declared = word.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard declared <= UInt64(HeaderText.byteLimit) else {
      throw SafetensorsError.headerTooLarge(
        file: file.path, declared: declared, limit: HeaderText.byteLimit)
    }
    guard Int(declared) <= file.byteCount - 8 else {
      throw SafetensorsError.headerTruncated(
        file: file.path, declared: Int(declared), available: file.byteCount - 8)
    }
    return Int(declared)
  }

  private static func readHeader(
    of file: borrowing InputFile, byteCount: Int
  ) throws -> Header {
    let text = try file.read(8..<8 + byteCount)
    guard text.count == byteCount else {
      throw SafetensorsError.headerTruncated(
        file: file.path, declared: byteCount, available: text.count)
    }
    do { return try unsafe HeaderReader.read(text.span.bytes) } catch {
      throw SafetensorsError.malformedHeader(file: file.path, fault: error)
    }
  }

  private static func check(
    _ header: Header, file: borrowing InputFile, available: Int
  ) throws {
    let expected: Int
    do { expected = try header.checkLayout() } catch {
      throw SafetensorsError.malformedHeader(file: file.path, fault: error)
    }
    if available < expected {
      let missing = expected - available
      throw SafetensorsError.truncated(
        file: file.path, expected: file.byteCount + missing, found: file.byteCount)
    }
    if available > expected {
      throw SafetensorsError.trailingBytes(file: file.path, count: available - expected)
    }
  }
}
