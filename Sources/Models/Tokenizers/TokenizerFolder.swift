internal import JSON
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// The files of a tokenizer's folder, and what its configuration says.
struct TokenizerFolder {
  /// A JSON object and the file that holds it.
  struct Document {
    let file: FilePath
    let root: JSONObject

    /// An error about this file.
    func malformed(_ detail: String) -> TokenizerError { .malformed(file: file, detail: detail) }
  }

  /// No file of a tokenizer comes near this size; a larger one is not read into memory.
  private static let maximumByteCount = 512 << 20

  let path: FilePath
  /// `tokenizer_config.json`; nil when the folder has none.
  let configuration: Document?
  /// `special_tokens_map.json`, which counts only where the configuration is from before
  /// `added_tokens_decoder`; nil where it isn't, or there is no such file.
  let specialTokensMap: Document?

  init(_ path: FilePath) throws(TokenizerError) {
    self.path = path
    configuration = try TokenizerFolder.document("tokenizer_config.json", in: path)
    specialTokensMap =
      configuration?.root["added_tokens_decoder"]?.object == nil
      ? try TokenizerFolder.document("special_tokens_map.json", in: path) : nil
  }

  /// The bytes of a file; nil when there is no such file.
  func bytes(of name: String) throws(TokenizerError) -> [UInt8]? {
    try TokenizerFolder.bytes(of: path.appending(name))
  }

  /// The object in a JSON file; nil when there is no such file.
  func document(_ name: String) throws(TokenizerError) -> Document? {
    try TokenizerFolder.document(name, in: path)
  }

  /// The configuration's `model_max_length`.
  ///
  /// Files that mean "no bound" hold 1e30, so anything that isn't a plausible length is none.
  func modelMaximumLength() throws(TokenizerError) -> Int? {
    guard let configuration, let value = configuration.root["model_max_length"], value != .null
    else { return nil }
    guard let length = value.double, length >= 1 else {
      throw configuration.malformed("model_max_length: expected a positive number")
    }
    return length < 0x1p31 ? Int(length) : nil
  }

  private static func document(
    _ name: String, in folder: FilePath
  ) throws(TokenizerError) -> Document? {
    let file = folder.appending(name)
    guard let bytes = try bytes(of: file) else { return nil }
    let value: JSONValue
    do { value = try unsafe JSONValue(parsing: bytes.span.bytes) } catch {
      throw .malformed(file: file, detail: "malformed JSON: \(error.description)")
    }
    guard let root = value.object else {
      throw .malformed(file: file, detail: "expected a JSON object")
    }
    return Document(file: file, root: root)
  }

  private static func bytes(of file: FilePath) throws(TokenizerError) -> [UInt8]? {
    do {
      // Without blocking, so that a pipe in the folder's place can't hold us up.
      let descriptor = try FileDescriptor.open(
        file, .readOnly, options: [.closeOnExec, .nonBlocking])
      return try descriptor.closeAfter { try contents(of: descriptor) }
    } catch Errno.noSuchFileOrDirectory {
      return nil
    } catch {
      throw .cannotRead(file: file, reason: error as? Errno ?? .ioError)
    }
  }

  private static func contents(of descriptor: FileDescriptor) throws -> [UInt8] {
    var status = stat()
    guard unsafe fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw status.st_mode & S_IFMT == S_IFDIR ? Errno.isDirectory : Errno.invalidArgument
    }
    guard let size = Int(exactly: status.st_size), size <= maximumByteCount else {
      throw Errno.fileTooLarge
    }
    var bytes = [UInt8](repeating: 0, count: size)
    let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.readAll(into: $0) }
    bytes.removeLast(size - count)
    return bytes
  }
}

extension FileDescriptor {
  /// Reads until the buffer is full or the file ends; returns how many bytes that were.
  fileprivate func readAll(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var count = 0
    while count < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
      let read = try unsafe read(into: rest)
      if read == 0 { break }
      count += read
    }
    return count
  }
}
