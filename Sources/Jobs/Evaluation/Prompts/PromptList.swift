internal import Drawing
internal import JSON
public import SystemPackage

/// The prompts of a file.
public struct PromptList: Sendable {
  /// The prompts, in the file's order.
  public let prompts: [EvaluatedPrompt]
  /// The file.
  public let file: FilePath

  /// Reads a file: a text with a prompt on every line, or a JSON list of objects with `caption` and,
  /// where the checker is to look, `labels`.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - skip: how many of the first prompts are left out.
  ///   - limit: how many of those after them are taken; nil: all.
  /// - Throws: when it can't be read, or isn't such a file.
  public init(reading file: FilePath, skip: Int = 0, limit: Int? = nil) throws {
    self.file = file
    let bytes = try PromptFile.bytes(of: file)
    let all =
      try bytes.first { !Self.isSpace($0) } == UInt8(ascii: "[")
      ? Self.captions(bytes, file) : PromptFile.lines(in: bytes, file).map { EvaluatedPrompt($0) }
    prompts = Array(all.dropFirst(skip).prefix(limit ?? .max))
    guard !prompts.isEmpty else {
      throw EvaluationError.wrongContent(
        file: file, expected: "more than \(skip) prompts, since so many are left out",
        found: "\(all.count)")
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func captions(_ bytes: [UInt8], _ file: FilePath) throws -> [EvaluatedPrompt] {
    let list = try unsafe JSONValue(parsing: bytes.span.bytes).array ?? []
    func wrong(_ expected: String, _ index: Int, _ found: JSONValue?) -> EvaluationError {
      .wrongContent(
        file: file, expected: "\(expected) in entry \(index + 1)", found: found?.text() ?? "nothing"
      )
    }
    let prompts = try list.enumerated().map { index, entry in
      guard let text = entry["caption"]?.string else {
        throw wrong("a text 'caption'", index, entry["caption"])
      }
      guard let labels = entry["labels"] else { return EvaluatedPrompt(text) }
      let numbers = labels.array?.map(\.integer)
      guard let numbers, !numbers.contains(nil), numbers.allSatisfy({ $0 ?? 0 >= -1 }) else {
        throw wrong("a list of classes 'labels'", index, labels)
      }
      return EvaluatedPrompt(text, labels: numbers.compactMap(\.self))
    }
    guard !prompts.isEmpty else {
      throw EvaluationError.wrongContent(file: file, expected: "a list of captions", found: "none")
    }
    return prompts
  }
}
