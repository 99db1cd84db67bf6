/// How this process was started: by the name of one command, or by that of a program that has several and a
/// word for one of them.
import Text

struct Invocation: Sendable, Equatable {
  /// What was typed: `glance-inspect` or `glance inspect`.
  let name: String
  /// The command's own name: `glance-inspect` for both.
  let tool: String
  /// What follows the name.
  let arguments: [String]

  /// A program that is one command.
  init(_ words: [String]) {
    let path = words.first ?? ""
    name = path.split(separator: "/").last.map(String.init) ?? "glance"
    tool = name
    arguments = Array(words.dropFirst())
  }

  /// A program that has several commands.
  ///
  /// - Parameters:
  ///   - words: the program's name and its arguments.
  ///   - program: the name by which all commands are reached.
  ///   - tools: the commands' own names, each of which begins with the program's.
  init(_ words: [String], of program: String, _ tools: [String]) {
    let direct = Invocation(words)
    if tools.contains(direct.name) {
      self = direct
      return
    }
    var rest = direct.arguments[...]
    // `glance help inspect` is `glance inspect --help`.
    let asksForHelp = rest.first == "help" && rest.count > 1
    if asksForHelp { rest = rest.dropFirst() }
    if let word = rest.first, tools.contains("\(program)-\(word)") {
      name = "\(program) \(word)"
      tool = "\(program)-\(word)"
      arguments = rest.dropFirst() + (asksForHelp ? ["--help"] : [])
    } else {
      name = program
      tool = program
      arguments = direct.arguments
    }
  }

  /// Whether a command line may ask what there is to ask for: help, a script of completions. True for others
  /// that have an option with an h, too. What is only shown then isn't made for nothing at every start.
  var mayAskForHelp: Bool {
    arguments.isEmpty
      || arguments.contains { word in
        word == "help" || word.hasPrefix("--generate-") || word.hasPrefix("---completion")
          || word.hasPrefix("-") && word.utf8.contains(UInt8(ascii: "h"))
      }
  }

  /// The command's name as help has it: as it was typed, or its word alone among those of a program that was
  /// asked for all of them.
  ///
  /// - Parameter tool: the command's own name.
  /// - Returns: the name.
  func commandName(of tool: String) -> String {
    if tool == self.tool { return name }
    return tool.droppingPrefix(self.tool + "-") ?? tool
  }

  /// Text in which commands stand as one types them here: `glance merge` where `glance inspect` was typed.
  ///
  /// - Parameters:
  ///   - text: with the commands' own names.
  ///   - tools: these names.
  /// - Returns: the text.
  func adapted(_ text: String, tools: [String]) -> String {
    guard !tools.contains(name), let program = name.split(separator: " ").first else { return text }
    return tools.reduce(text) { text, tool in
      guard let word = tool.droppingPrefix("\(program)-") else { return text }
      let named = "\(tool) "
      // To replace what isn't there takes as long as to parse the command line.
      guard text.utf8Offset(of: named) != nil else { return text }
      return text.replacing(named, with: "\(program) \(word) ")
    }
  }
}
