internal import CFormats
public import JSON
internal import Text

/// The files of `formats/`, as they were when this program was built.
public enum EmbeddedFormats {
  /// The names of all of them, without `.json`, sorted.
  public static var names: [String] { files.map(\.name) }

  /// The document `formats/<name>.json`. Naming one that doesn't exist is the caller's mistake.
  public static func document(_ name: String) -> JSONValue {
    guard let file = files.first(where: { $0.name == name }) else {
      preconditionFailure("formats/\(name).json is not embedded")
    }
    return file.document
  }

  /// Every document whose `schema` is this one, by name.
  public static func documents(schema: String) -> [JSONValue] {
    // The schema is a document's first member, so that others needn't be parsed: every command
    // starts with this.
    files.filter { $0.beginning.utf8Offset(of: schema) != nil }
      .map(\.document).filter { $0["schema"]?.string == schema }
  }

  private static let files: [EmbeddedFile] = {
    var count = 0
    let files = unsafe UnsafeBufferPointer(start: embedded_files(&count), count: count)
    return unsafe files.map { unsafe EmbeddedFile($0) }
  }()
}

/// A file of the program; its bytes are constants and stay where they are until they are asked for.
@safe
private struct EmbeddedFile: @unchecked Sendable {
  let name: String
  private let bytes: UnsafeRawBufferPointer

  /// Bytes at the start of a document that hold its schema.
  private static let schemaPlace = 64

  init(_ file: embedded_file) {
    name = unsafe String(cString: file.name)
    unsafe bytes = UnsafeRawBufferPointer(start: file.bytes, count: file.count)
  }

  var beginning: String {
    unsafe String(decoding: bytes.prefix(Self.schemaPlace), as: UTF8.self)
  }

  var document: JSONValue {
    do { return try unsafe JSONValue(parsingTrusted: bytes.bytes) } catch {
      preconditionFailure("formats/\(name).json: \(error)")
    }
  }
}
