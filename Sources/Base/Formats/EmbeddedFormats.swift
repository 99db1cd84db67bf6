internal import CFormats
public import JSON

/// The files of `formats/`, as they were when this program was built.
public enum EmbeddedFormats {
  /// The names of all of them, without `.json`, sorted.
  public static var names: [String] { texts.map(\.name) }

  /// The document `formats/<name>.json`. Naming one that doesn't exist is the caller's mistake.
  public static func document(_ name: String) -> JSONValue {
    guard let text = texts.first(where: { $0.name == name })?.text else {
      preconditionFailure("formats/\(name).json is not embedded")
    }
    do { return try JSONValue(parsing: text) } catch {
      preconditionFailure("formats/\(name).json: \(error)")
    }
  }

  /// Every document whose `schema` is this one, by name.
  public static func documents(schema: String) -> [JSONValue] {
    // The schema is a document's first member, so that others needn't be parsed: every command
    // starts with this.
    texts.filter { $0.text.utf8.prefix(schemaPlace).firstRange(of: schema.utf8) != nil }
      .map { document($0.name) }.filter { $0["schema"]?.string == schema }
  }

  /// Bytes at the start of a document that hold its schema.
  private static let schemaPlace = 64

  private static let texts: [(name: String, text: String)] = {
    var count = 0
    let files = unsafe UnsafeBufferPointer(start: embedded_files(&count), count: count)
    return unsafe files.map { file in
      let bytes = unsafe UnsafeRawBufferPointer(start: file.bytes, count: file.count)
      return (unsafe String(cString: file.name), unsafe String(decoding: bytes, as: UTF8.self))
    }
  }()
}
