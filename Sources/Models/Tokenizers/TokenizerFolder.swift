internal import Files
internal import JSON
internal import SystemPackage

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
    let reason: Errno
    do { return try readWhole(file, atMost: maximumByteCount) } catch {
      switch error {
      case .cannotOpen(_, .noSuchFileOrDirectory): return nil
      case .cannotOpen(_, let found), .readFailed(_, let found): reason = found
      case .notARegularFile(_, .folder): reason = .isDirectory
      case .tooLarge: reason = .fileTooLarge
      default: reason = .invalidArgument
      }
    }
    throw .cannotRead(file: file, reason: reason)
  }
}
