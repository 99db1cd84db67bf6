import ArgumentParser
import CommandSupport
import JSON
import SystemPackage

/// Writes the man page of a command from what it says of itself.
///
/// swift-argument-parser's own plugin (1.8) leaves defaults and the values of options out.
@main
struct ManualPage: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "manual-page",
    abstract: "Read a command's --experimental-dump-help, and print its man page.")

  @Option(help: "The date of the page: 2026-11-30.")
  var date: String

  @OptionGroup(title: "Common options") var common: CommonOptions

  func execute() throws {
    var text = ""
    while let line = readLine(strippingNewline: false) { text += line }
    let help = try JSONValue(parsing: text)
    guard let command = help["command"].map(DescribedCommand.init) else {
      throw ValidationError("standard input: expected what --experimental-dump-help prints")
    }
    try Terminal.output(ManualText(command, date: date).text)
  }
}

/// A command as it describes itself.
struct DescribedCommand {
  let name: String
  let abstract: String
  let discussion: String
  let options: [DescribedOption]
  let verbs: [DescribedCommand]

  init(_ json: JSONValue) {
    name = json["commandName"]?.string ?? ""
    abstract = json["abstract"]?.string ?? ""
    discussion = json["discussion"]?.string ?? ""
    options = (json["arguments"]?.array ?? []).filter { $0["shouldDisplay"]?.bool != false }
      .map(DescribedOption.init)
    verbs = (json["subcommands"]?.array ?? []).map(DescribedCommand.init)
      .filter { $0.name != "help" }
  }
}

/// An argument or option.
struct DescribedOption {
  /// `-o`, `--output`; none of an argument.
  let names: [String]
  /// What its value is called; nil of a flag.
  let value: String?
  let isOptional: Bool
  let isRepeating: Bool
  let section: String?
  /// What it does, with its values and its default.
  let text: String

  init(_ json: JSONValue) {
    let isFlag = json["kind"]?.string == "flag"
    names = (json["names"]?.array ?? []).map { name in
      (name["kind"]?.string == "short" ? "-" : "--") + (name["name"]?.string ?? "")
    }
    .sorted { $0.count < $1.count && !$0.hasPrefix("--") }
    value = isFlag ? nil : json["valueName"]?.string
    isOptional = json["isOptional"]?.bool ?? false
    isRepeating = json["isRepeating"]?.bool ?? false
    section = json["sectionTitle"]?.string
    let values = (json["allValues"]?.array ?? []).compactMap(\.string)
    let more = [
      values.isEmpty ? nil : "values: " + values.joined(separator: ", "),
      json["defaultValue"]?.string.flatMap { $0.isEmpty ? nil : "default: " + $0 },
    ].compactMap(\.self)
    text =
      (json["abstract"]?.string ?? "")
      + (more.isEmpty || isFlag ? "" : " (" + more.joined(separator: "; ") + ")")
  }
}

/// A page in the macros of man(7).
struct ManualText {
  private(set) var text = ""

  init(_ command: DescribedCommand, date: String) {
    let name = command.name.replacing(" ", with: "-")
    add(".TH \(Self.quoted(name.uppercased())) 1 \(Self.quoted(date)) \(Self.quoted("glance"))")
    add(".SH NAME\n\(Self.escaped(name)) \\- \(Self.escaped(command.abstract))")
    add(".SH SYNOPSIS")
    for line in Self.synopses(of: command, after: "") { add(line) }
    let parts = command.discussion.split(separator: "EXAMPLES:\n", maxSplits: 1)
    let discussion = command.discussion.hasPrefix("EXAMPLES:\n") ? "" : parts.first ?? ""
    if !discussion.isEmpty { add(".SH DESCRIPTION\n" + Self.paragraphs(discussion)) }
    addOptions(of: command, heading: ".SH")
    for verb in command.verbs { add(verb, below: command.name) }
    if let examples = command.discussion.firstRange(of: "EXAMPLES:\n") {
      add(".SH EXAMPLES\n.nf")
      for line in command.discussion[examples.upperBound...].split(
        separator: "\n", omittingEmptySubsequences: false)
      {
        add(Self.escaped(line.hasPrefix("  ") ? line.dropFirst(2) : line))
      }
      add(".fi")
    }
  }

  /// A verb: its options, or of a command of its own page a word about it.
  private mutating func add(_ verb: DescribedCommand, below name: String) {
    add(".SH \(Self.quoted("\(name) \(verb.name)".uppercased()))\n" + Self.escaped(verb.abstract))
    guard verb.verbs.isEmpty, name != "glance" else {
      return add("See \(Self.escaped("\(name)-\(verb.name)"))(1).")
    }
    addOptions(of: verb, heading: ".SS")
  }

  private mutating func addOptions(of command: DescribedCommand, heading: String) {
    var sections: [String] = []
    for option in command.options {
      let title = option.section ?? (option.names.isEmpty ? "Arguments" : "Options")
      if !sections.contains(title) { sections.append(title) }
    }
    for section in sections {
      add("\(heading) \(Self.quoted(section.uppercased()))")
      for option in command.options
      where (option.section ?? (option.names.isEmpty ? "Arguments" : "Options")) == section {
        let names = option.names.map { "\\fB\(Self.escaped($0))\\fR" }.joined(separator: ", ")
        let value = option.value.map { "\\fI\(Self.escaped($0))\\fR" }
        add(".TP\n" + [names, value ?? ""].filter { !$0.isEmpty }.joined(separator: " "))
        add(Self.escaped(option.text))
      }
    }
  }

  /// How it is called: what must be given, and that there is more.
  private static func synopses(of command: DescribedCommand, after words: String) -> [String] {
    let name = words.isEmpty ? command.name : words + " " + command.name
    guard command.verbs.isEmpty else {
      return command.verbs.flatMap { verb -> [String] in
        name == "glance"
          ? [called(name + " " + verb.name, " [options]")]
          : synopses(of: verb, after: name)
      }
    }
    let needed = command.options.filter { !$0.isOptional }.map { option -> String in
      let value = option.value.map { "\\fI\(escaped($0))\\fR" } ?? ""
      let name = option.names.last.map { "\\fB\(escaped($0))\\fR" } ?? ""
      return [name, value].filter { !$0.isEmpty }.joined(separator: " ")
        + (option.isRepeating ? " ..." : "")
    }
    return [called(name, " [options]" + needed.map { " " + $0 }.joined())]
  }

  private static func called(_ name: String, _ rest: String) -> String {
    "\\fB\(escaped(name))\\fR\(rest)\n.br"
  }

  private static func paragraphs(_ text: some StringProtocol) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? ".PP" : escaped($0) }.joined(separator: "\n")
      .replacing("\n.PP\n.PP", with: "\n.PP")
  }

  private mutating func add(_ lines: String) { text += lines + "\n" }

  /// Text in which nothing is a request or an escape; hyphens are those that one types.
  private static func escaped(_ text: some StringProtocol) -> String {
    let text = String(text).replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : String(text)
  }

  private static func quoted(_ text: String) -> String {
    "\"\(escaped(text.replacing("\"", with: "'")))\""
  }
}
