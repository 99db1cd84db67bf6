public import ArgumentParser
internal import Failures
internal import Files
public import JSON
internal import Reports
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// The root of a command line: what `@main` stands on.
///
/// Its `main()` installs the handling of signals, prints help to standard output and mistakes to
/// standard error, and ends with one of the statuses of `FailureKind`.
public protocol Tool: ParsableCommand {
  /// What comes before everything else, arguments included; nothing unless a command says otherwise.
  static func prepare()

  /// The arguments to parse, without the program's name; nil: those that the process was given.
  static func commandLine() throws -> [String]?

  /// What other programs call an option, with its hyphens, or a command, and what to type here:
  /// `["--steps": "the schedule has the steps: --schedule teacher:20"]`.
  static var wordsOfOthers: [String: String] { get }

  /// What to do instead of giving an option twice, by the option's name.
  static var repetitionAdvice: [String: String] { get }
}

extension Tool {
  /// Nothing.
  public static func prepare() {}

  /// The arguments that the process was given.
  public static func commandLine() throws -> [String]? { nil }

  /// None.
  public static var wordsOfOthers: [String: String] { [:] }

  /// No advice.
  public static var repetitionAdvice: [String: String] { [:] }
}

/// A command that does something: `execute()` instead of `run()`.
public protocol ToolCommand: Tool {
  /// The options that every command has; declare them as
  /// `@OptionGroup(title: "Common options") var common: CommonOptions`.
  var common: CommonOptions { get }

  /// Whether a program reads the result: it then gets failures as JSON, too.
  var json: Bool { get }

  /// Does the work. What it throws is printed on one line and becomes the exit status.
  mutating func execute() throws
}

extension Tool {
  /// Parses the command line and runs the command that it names.
  public static func main() { launch() }

  /// What ``main()`` does.
  static func launch() {
    StandardStreams.fill()
    prepare()
    Interruption.install()
    // A mapped input that another program truncates ends the command with one line, too.
    MappedFile.installTruncationHandler(SafeText.terminal(ToolFacts.name, limit: 40) + ": ")
    AtomicFile.ignoreSizeSignal()
    var given = ToolFacts.arguments
    if given.asksForJSON { FailureReport.willTellOfSignals() }
    do {
      // Only what was typed: a configuration's options may be given anew.
      if let fault = RepeatedOptions(in: given, of: addressee(of: given)).faults.first {
        throw ValidationError(fault)
      }
      if let unknown = UnknownCommand(in: given, of: Self.self) {
        throw ValidationError(unknown.description)
      }
      given = try arguments(given)
      var command = try parseAsRoot(given)
      try command.run()
    } catch {
      end(with: error, arguments: given)
    }
  }

  /// The arguments to parse; the errors of ``commandLine()`` end the process like a command's.
  private static func arguments(_ given: [String]) throws -> [String] {
    do { return NegativeNumbers.joined(try commandLine() ?? given) } catch {
      throw reported(error, asJSON: given.asksForJSON)
    }
  }

  /// The command that arguments are for: the verb that is named first, of a command with verbs.
  private static func addressee(of arguments: [String]) -> any Tool.Type {
    let verbs = configuration.subcommands.compactMap { $0 as? any Tool.Type }
    let word = arguments.first { !$0.hasPrefix("-") }
    return verbs.first { $0.configuration.commandName == word } ?? Self.self
  }

  /// Ends the process: help and versions go to standard output, all else to standard error.
  private static func end(with error: any Error, arguments: [String]) -> Never {
    let status = exitCode(for: error)
    let text = fullMessage(for: error)
    guard status != .success else {
      do { try Terminal.output(text + "\n") } catch {
        Terminal.complain("\(error)")
        Glibc.exit(error.failureKind.rawValue)
      }
      Glibc.exit(0)
    }
    // What a check of options throws is a mistake of usage, whatever its type.
    let number = status == .failure ? FailureKind.usage.rawValue : status.rawValue
    if !text.isEmpty {
      let mistake = usageMistake(text, arguments: arguments)
      Terminal.complain(mistake.message + mistake.usage, keepingLines: true)
      if arguments.asksForJSON { report(mistake.message, status: number) }
    }
    Glibc.exit(number)
  }

  /// What is wrong with a command line, and how the command is called, for people.
  ///
  /// - Parameters:
  ///   - text: what the parser says: `Error: …`, then the usage or, when there were no arguments
  ///     at all, the whole help.
  ///   - arguments: what was typed.
  /// - Returns: the mistake on one line; the lines that follow it.
  private static func usageMistake(
    _ text: String, arguments: [String]
  ) -> (message: String, usage: String) {
    let prefix = "Error: "
    let text = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
    let addressee = addressee(of: arguments)
    let verb = addressee == Self.self ? "" : " " + (addressee.configuration.commandName ?? "")
    let usage =
      "\nUsage: \(usageString(for: addressee))\n  See '\(ToolFacts.name)\(verb) --help'"
      + " for more information."
    if let unknown = UnknownCommand(in: arguments, of: Self.self) {
      return (unknown.description, usage)
    }
    if let unknown = UnknownOption(in: arguments, of: addressee) {
      return (unknown.description, usage)
    }
    guard let end = text.firstRange(of: "\n") else { return (InvalidNumber.explained(text), "") }
    let message = InvalidNumber.explained(String(text[..<end.lowerBound]))
    if arguments.isEmpty { return (message, usage) }
    // What the parser knows of the option, and its usage; it doesn't name the program.
    let rest = String(text[end.lowerBound...])
    guard let offset = rest.utf8Offset(of: "\nUsage: ") else { return (message, rest) }
    return (message, String(decoding: rest.utf8.prefix(offset), as: UTF8.self) + usage)
  }
}

extension ToolCommand {
  /// Nothing for programs.
  public var json: Bool { false }

  /// Runs `execute()`; prints what it throws and turns it into an exit status.
  public mutating func run() throws {
    Terminal.setVerbosity(common.verbosity)
    do { try execute() } catch { throw reported(error, asJSON: json) }
  }
}

extension ToolCommand {
  /// Prints what came out: JSON where it was asked for, else text, which `--quiet` leaves out.
  ///
  /// What a person asked to be told, such as a plan, goes to ``Terminal/output(_:)`` instead.
  public func printResult(
    json value: @autoclosure () throws -> JSONValue, text: @autoclosure () throws -> String
  ) throws {
    if json { return try Terminal.output(try value().text(.pretty) + "\n") }
    if Terminal.verbosity >= .normal { try Terminal.output(try text()) }
  }
}

/// Prints an error that no library of ArgumentParser's will print; answers what to throw instead.
package func reported(_ error: any Error, asJSON: Bool) -> any Error {
  if error is ExitCode || error is CleanExit || error is ValidationError { return error }
  let message: String
  let status: Int32
  if let signal = Interruption.signal {
    message = "interrupted"
    status = 128 + signal
  } else {
    message = "\(error)"
    status = failureKind(of: error).rawValue
  }
  Terminal.complain(message)
  if asJSON { report(message, status: status) }
  return ExitCode(status)
}

/// Tells a program of a failure, if it can be told: the failure is what counts.
private func report(_ message: String, status: Int32) {
  guard FailureReport.isFirst() else { return }
  do { try Terminal.output(FailureReport.text(message, status: status)) } catch {
    Terminal.complain("\(error)")
  }
}

extension [String] {
  /// Whether a command line asks for JSON, be it wrong otherwise.
  fileprivate var asksForJSON: Bool { prefix { $0 != "--" }.contains("--json") }
}

extension CommandConfiguration {
  /// The configuration of a command, with its version and worked examples in the help.
  ///
  /// - Parameters:
  ///   - tool: the command's own name.
  ///   - abstract: one sentence.
  ///   - discussion: more, above the examples.
  ///   - examples: what one wants, and the command line that does it.
  ///   - subcommands: the verbs, for a command that has them.
  public init(
    tool: String, abstract: String, discussion: String = "",
    examples: [(want: String, line: String)] = [],
    subcommands: [any ParsableCommand.Type] = []
  ) {
    let names = ToolFacts.names(of: tool)
    self.init(
      commandName: names.command, abstract: abstract,
      discussion: Self.text(discussion, examples),
      version: "\(ToolFacts.name) \(ToolFacts.version)", subcommands: subcommands)
    _superCommandName = names.program
  }

  /// The configuration of a verb, with worked examples in the help.
  ///
  /// - Parameters:
  ///   - verb: its name.
  ///   - abstract: one sentence.
  ///   - discussion: more, above the examples.
  ///   - examples: what one wants, and the command line that does it.
  public init(
    verb: String, abstract: String, discussion: String = "",
    examples: [(want: String, line: String)] = []
  ) {
    self.init(
      commandName: verb, abstract: abstract, discussion: Self.text(discussion, examples))
  }

  private static func text(
    _ discussion: String, _ examples: [(want: String, line: String)]
  ) -> String {
    // The parser wants a text, which nobody will see.
    guard ToolFacts.mayAskForHelp else { return "" }
    let list = examples.map { "  # \($0.want)\n" + ExampleText.lines($0.line, indent: 2) }
      .joined(separator: "\n\n")
    return ToolFacts.adapted(
      discussion + (discussion.isEmpty || list.isEmpty ? "" : "\n\n")
        + (list.isEmpty ? "" : "EXAMPLES:\n" + list))
  }
}
