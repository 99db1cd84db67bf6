internal import Formats
internal import JSON
public import SystemPackage

/// What a benchmark's prompt file looks like.
enum PromptForm: Sendable {
  /// An object a line: the keys of text and id.
  case jsonLines(text: String, id: String?)
  /// A list of texts in a file for every group: file names without `.json`, and folders.
  case jsonLists(groups: [(file: String, folder: String)])
  /// A table: the columns of text (one of these), id and group, and the groups' folders.
  case table(text: [String], id: String, group: String, groups: [(name: String, folder: String)])
  /// A folder of texts, a prompt each.
  case textFolder
  /// COCO's captions.
  case cocoCaptions

  init(_ value: JSONValue) {
    let groups = value.members("groups").map { ($0.key, $0.value.string ?? "") }
    switch value.text("form") {
    case "json-lines": self = .jsonLines(text: value.texts("text")[0], id: value["id"]?.string)
    case "json-lists": self = .jsonLists(groups: groups)
    case "csv":
      self = .table(
        text: value.texts("text"), id: value.text("id"), group: value.text("group"), groups: groups)
    case "text-folder": self = .textFolder
    case "coco-captions": self = .cocoCaptions
    default: preconditionFailure("formats/benchmarks.json: unknown form of prompts")
    }
  }

  fileprivate func found(in path: FilePath) throws -> [FoundPrompt] {
    switch self {
    case .jsonLines(let text, let id): try FoundPrompt.jsonLines(path, text: text, id: id)
    case .jsonLists(let groups): try FoundPrompt.jsonLists(path, groups: groups)
    case .table(let text, let id, let group, let groups):
      try FoundPrompt.table(path, text: text, id: id, group: group, groups: groups)
    case .textFolder: try FoundPrompt.textFolder(path)
    case .cocoCaptions: try FoundPrompt.cocoCaptions(path)
    }
  }
}

extension BenchmarkLayout {
  /// Reads prompts as this benchmark's file has them.
  ///
  /// - Parameter path: the file or folder.
  /// - Returns: the prompts, in the file's order.
  /// - Throws: ``BenchmarkError`` with the line that is wrong.
  public func prompts(in path: FilePath) throws -> [BenchmarkPrompt] {
    let found = try form.found(in: path)
    guard !found.isEmpty else {
      throw BenchmarkError.wrong(file: path, expected: "prompts (\(promptFile))", found: "none")
    }
    var counts: [String?: Int] = [:]
    var names: Set<String> = []
    return try found.enumerated().map { position, prompt in
      let index = counts[prompt.group, default: 0]
      counts[prompt.group] = index + 1
      let id = prompt.id ?? "\(index)"
      // A dot ends the name for DPG-Bench's scorer.
      guard PlainName.holds(id), !id.utf8.contains(UInt8(ascii: ".")) else {
        throw BenchmarkError.wrong(
          file: path, line: prompt.line, expected: "an id of letters, digits and _ + -",
          found: "'\(id)'")
      }
      guard names.insert("\(prompt.group ?? "")/\(id)").inserted else {
        throw BenchmarkError.wrong(
          file: path, line: prompt.line,
          expected: "every id once\(prompt.group.map { " in \($0)" } ?? "")",
          found: "'\(id)' again")
      }
      return BenchmarkPrompt(
        text: prompt.text, position: position, group: prompt.group, index: index, id: id,
        record: prompt.record)
    }
  }
}
