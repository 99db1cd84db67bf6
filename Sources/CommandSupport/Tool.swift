public import ArgumentParser
internal import CFileGuard
internal import Failures

#if canImport(Glibc)
  internal import Glibc
#endif

/// The root of a command line: what `@main` stands on.
///
/// Its `main()` installs the handling of signals, prints help to standard output and mistakes to
/// standard error, and ends with one of the statuses of `FailureKind`.
public protocol Tool: ParsableCommand {
  /// The arguments to parse, without the program's name; nil: those that the process was given.
  static func commandLine() throws -> [String]?
}

extension Tool {
  /// The arguments that the process was given.
  public static func commandLine() throws -> [String]? { nil }
}

/// A command that does something: `execute()` instead of `run()`.
public protocol ToolCommand: Tool {
  /// The options that every command has; declare them as
  /// `@OptionGroup(title: "Common options") var common: CommonOptions`.
  var common: CommonOptions { get }

  /// Does the work. What it throws is printed on one line and becomes the exit status.
  mutating func execute() throws
}

/// Facts about this program.
public enum ToolFacts {
  /// The version of every command and of what they write into files.
  public static let version = toolkitVersion

  /// What messages begin with: the name that the program was started by.
  public static let name: String = {
    let path = CommandLine.arguments.first ?? ""
    return path.split(separator: "/").last.map(String.init) ?? "glance"
  }()
}

extension Tool {
  /// Parses the command line and runs the command that it names.
  public static func main() {
    Interruption.install()
    // A mapped input that another program truncates ends the command with one line, too.
    unsafe file_guard_install_truncation_handler(Terminal.safe(ToolFacts.name, limit: 40) + ": ")
    file_guard_ignore_size_signal()
    do {
      var command = try parseAsRoot(arguments())
      try command.run()
    } catch {
      end(with: error)
    }
  }

  /// What ``commandLine()`` answers; its errors end the process like a command's.
  private static func arguments() throws -> [String]? {
    do { return try commandLine() } catch { throw reported(error) }
  }

  /// Ends the process: help and versions go to standard output, all else to standard error.
  private static func end(with error: any Error) -> Never {
    let status = exitCode(for: error)
    let text = fullMessage(for: error)
    guard status != .success else {
      do { try Terminal.output(text + "\n") } catch {
        Terminal.complain("\(error)")
        Glibc.exit(error.failureKind.rawValue)
      }
      Glibc.exit(0)
    }
    if !text.isEmpty {
      let prefix = "Error: "
      Terminal.complain(
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text, keepingLines: true)
    }
    // What a check of options throws is a mistake of usage, whatever its type.
    Glibc.exit(status == .failure ? FailureKind.usage.rawValue : status.rawValue)
  }
}

extension ToolCommand {
  /// Runs `execute()`; prints what it throws and turns it into an exit status.
  public mutating func run() throws {
    Terminal.setVerbosity(common.verbosity)
    do { try execute() } catch { throw reported(error) }
  }
}

/// Prints an error that no library of ArgumentParser's will print; answers what to throw instead.
private func reported(_ error: any Error) -> any Error {
  if error is ExitCode || error is CleanExit || error is ValidationError { return error }
  if let signal = Interruption.signal {
    Terminal.complain("interrupted")
    return ExitCode(128 + signal)
  }
  Terminal.complain("\(error)")
  return ExitCode(failureKind(of: error).rawValue)
}

extension CommandConfiguration {
  /// The configuration of a command, with its version and worked examples in the help.
  ///
  /// - Parameters:
  ///   - tool: the command's name.
  ///   - abstract: one sentence.
  ///   - discussion: more, above the examples.
  ///   - examples: what one wants, and the command line that does it.
  ///   - subcommands: the verbs, for a command that has them.
  public init(
    tool: String, abstract: String, discussion: String = "",
    examples: [(want: String, line: String)] = [],
    subcommands: [any ParsableCommand.Type] = []
  ) {
    let list = examples.map { "  # \($0.want)\n  \($0.line)" }.joined(separator: "\n\n")
    self.init(
      commandName: tool, abstract: abstract,
      discussion: discussion + (discussion.isEmpty || list.isEmpty ? "" : "\n\n")
        + (list.isEmpty ? "" : "EXAMPLES:\n" + list),
      version: "\(tool) \(ToolFacts.version)", subcommands: subcommands)
  }
}
