internal import ArgumentParser
internal import JSON

/// Options that take one value and were given several times: the parser takes the last and says
/// nothing, so that the others would be lost in silence.
struct RepeatedOptions {
  /// What was wrong, one sentence for each option.
  private(set) var faults: [String] = []

  /// - Parameters:
  ///   - words: what was typed after the command's name.
  ///   - tool: whose options they are.
  init(in words: [String], of tool: any Tool.Type) {
    let given = Self.options(in: words)
    let names = given.map(\.name)
    // The list of a command's options takes milliseconds to make.
    guard Set(names).count < names.count || names.contains(where: { !$0.hasPrefix("--") }) else {
      return
    }
    for option in Self.singleOptions(of: tool) {
      let values = given.filter { option.contains($0.name) }
      guard let name = option.first, values.count > 1 else { continue }
      let list = values.map { "'\($0.value)'" }.joined(separator: ", ")
      let advice = tool.repetitionAdvice[name].map { "; \($0)" } ?? ""
      faults.append("\(name): given \(values.count) times (\(list)), takes one value\(advice)")
    }
  }

  /// The options that were typed, with what stands after them.
  private static func options(in words: [String]) -> [(name: String, value: String)] {
    let words = words.prefix { $0 != "--" }
    return words.indices.compactMap { index in
      let word = words[index]
      guard word.hasPrefix("-"), word.count > 1 else { return nil }
      if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
        return (String(word[..<equals]), String(word[word.index(after: equals)...]))
      }
      return (word, index + 1 < words.endIndex ? words[index + 1] : "")
    }
  }

  /// The names of every option that takes one value, the longest name first.
  private static func singleOptions(of tool: any Tool.Type) -> [[String]] {
    let help = try? JSONValue(parsing: tool._dumpHelp())
    return (help?["command"]?["arguments"]?.array ?? []).filter { argument in
      argument["kind"] == "option" && argument["isRepeating"] == .bool(false)
    }.map { argument in
      (argument["names"]?.array ?? []).compactMap { name in
        name["name"]?.string.map { (name["kind"] == "long" ? "--" : "-") + $0 }
      }.sorted { $0.count > $1.count }
    }
  }
}
