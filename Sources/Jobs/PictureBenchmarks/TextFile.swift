internal import Files
internal import JSON
internal import SystemPackage

/// A whole file of text.
struct TextFile {
  let path: FilePath
  let text: String

  /// The largest: COCO's captions of 2014 have 66 MB.
  private static let limit = 256 << 20

  init(_ path: FilePath) throws {
    self.path = path
    let bytes: [UInt8]
    do { bytes = try readWhole(path, atMost: Self.limit, takesPipes: true) } catch .tooLarge {
      throw BenchmarkError.wrong(
        file: path, expected: "at most \(Self.limit) bytes of text", found: "more")
    } catch {
      throw BenchmarkError.unreadable(file: path, reason: error.reason)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw BenchmarkError.wrong(file: path, expected: "UTF-8 text", found: "other bytes")
    }
    // Spreadsheets write a mark of byte order before UTF-8.
    self.text =
      text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
  }

  /// Its lines without their ends; an end at the very last makes no further line.
  var lines: [Substring] {
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// The document that the text is.
  func document() throws -> JSONValue {
    do { return try JSONValue(parsing: text) } catch {
      throw wrong(expected: "a JSON document", found: "\(error)")
    }
  }

  /// The objects that its lines are.
  func objects() throws -> [(line: Int, text: String, object: JSONValue)] {
    try lines.enumerated().map { index, line in
      let text = String(line)
      let value: JSONValue
      do { value = try JSONValue(parsing: text) } catch {
        throw wrong(index + 1, expected: "a JSON object", found: "\(error)")
      }
      guard value.object != nil else {
        throw wrong(index + 1, expected: "a JSON object", found: excerpt(text))
      }
      return (index + 1, text, value)
    }
  }

  /// What is wrong in the file.
  func wrong(_ line: Int? = nil, expected: String, found: String) -> BenchmarkError {
    .wrong(file: path, line: line, expected: expected, found: found)
  }

  /// The beginning of a text, for a message.
  func excerpt(_ text: some StringProtocol) -> String {
    text.isEmpty ? "nothing" : "'\(text.prefix(40))\(text.count > 40 ? "…" : "")'"
  }
}
