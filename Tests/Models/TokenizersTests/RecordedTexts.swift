import JSON
import SystemPackage
import TestSupport

#if canImport(Glibc)
  import Glibc
#endif

/// Token ids recorded from the transformers library for the published tokenizers.
///
/// The file that `GLANCE_TOKENIZER_GOLDENS` names is used when it is set; it has the shape of
/// `Tests/Fixtures/tokenizers/goldens.json`.
struct RecordedTexts {
  struct Case {
    let text: String
    let clip: [Int32]
    let t5: [Int32]
    let qwen2: [Int32]
    let qwen2Template: [Int32]
  }

  struct NotAsExpected: Error {
    let file: FilePath
  }

  /// The prompt template of Qwen-Image, with `{}` for the text.
  let template: String
  let cases: [Case]

  init() throws {
    var file = Fixtures.tokenizer("goldens.json")
    if let set = unsafe getenv("GLANCE_TOKENIZER_GOLDENS"), unsafe set.pointee != 0 {
      file = FilePath(unsafe String(cString: set))
    }
    try self.init(file)
  }

  init(_ file: FilePath) throws {
    let bytes = try contents(of: file)
    let root = try unsafe JSONValue(parsing: bytes.span.bytes)
    guard let template = root["template"]?.string, let cases = root["cases"]?.array else {
      throw NotAsExpected(file: file)
    }
    self.template = template
    self.cases = try cases.map { value in
      func ids(_ key: String) throws -> [Int32] {
        guard let array = value[key]?.array else { throw NotAsExpected(file: file) }
        return try array.map {
          guard let id = $0.integer else { throw NotAsExpected(file: file) }
          return Int32(id)
        }
      }
      guard let text = value["text"]?.string else { throw NotAsExpected(file: file) }
      return Case(
        text: text, clip: try ids("clip"), t5: try ids("t5"), qwen2: try ids("qwen2"),
        qwen2Template: try ids("qwen2_template"))
    }
  }

  /// A text inside the template.
  func framed(_ text: String) -> String {
    let parts = template.utf8.split(separator: UInt8(ascii: "{"), maxSplits: 1)
    return String(parts[0])! + text + String(parts[1].dropFirst())!
  }
}

extension Fixtures {
  /// A file or folder of `Tests/Fixtures/tokenizers`.
  static func tokenizer(_ name: String) -> FilePath {
    folder.appending("tokenizers").appending(name)
  }
}

/// A text so that a failing test says which one it was, with everything but ASCII escaped.
func escaped(_ text: String) -> String {
  text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
}
