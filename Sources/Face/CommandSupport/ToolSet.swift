internal import Failures
internal import Synchronization

/// Several commands in one program, which is called by the name of one of them, as a link to it, or by its
/// own name with a word for one: `glance-inspect` and `glance inspect`.
public protocol ToolSet: Tool {
  /// The program's own name.
  static var program: String { get }

  /// The commands, in the order in which help lists them.
  static var tools: [NamedTool] { get }
}

/// A command of a program that has several.
public struct NamedTool: Sendable {
  /// Its own name: `glance-inspect`.
  public let name: String
  /// What it runs.
  public let type: any Tool.Type

  /// A command by its own name.
  public init(_ name: String, _ type: any Tool.Type) {
    self.name = name
    self.type = type
  }
}

extension ToolSet {
  /// Runs the command that was named; without one, tells which there are.
  public static func main() {
    ToolFacts.start(program: program, tools: tools.map(\.name))
    let named = tools.first { $0.name == ToolFacts.tool }
    if let named { named.type.main() } else { launch() }
  }
}

/// Facts about this program.
public enum ToolFacts {
  /// The version of every command and of what they write into files.
  public static let version = toolkitVersion

  private struct Start: Sendable {
    var invocation: Invocation
    var tools: [String] = []
  }

  private static let start = Mutex(Start(invocation: Invocation(CommandLine.arguments)))

  /// What messages begin with: what was typed to start the program.
  public static let name = start.withLock { $0.invocation.name }

  /// The command's own name, however it was typed: for programs.
  public static let tool = start.withLock { $0.invocation.tool }

  /// What follows the name on the command line.
  public static let arguments = start.withLock { $0.invocation.arguments }

  /// Says that the program has several commands, before anything asks for its name.
  fileprivate static func start(program: String, tools: [String]) {
    start.withLock {
      $0 = Start(
        invocation: Invocation(CommandLine.arguments, of: program, tools), tools: tools)
    }
  }

  /// The name that help gives a command, and the program's name where that stands before it.
  ///
  /// ArgumentParser looks for requests of completions by parsing twice, where there is no program's name.
  static func names(of tool: String) -> (command: String, program: String?) {
    let name = start.withLock { $0.invocation.commandName(of: tool) }
    guard !mayAskForHelp, let space = name.firstIndex(of: " ") else { return (name, nil) }
    return (String(name[name.index(after: space)...]), String(name[..<space]))
  }

  /// Whether the command line may ask for help.
  static let mayAskForHelp = start.withLock { $0.invocation.mayAskForHelp }

  /// A text of help with the names of commands as one types them here.
  static func adapted(_ text: String) -> String {
    start.withLock { $0.invocation.adapted(text, tools: $0.tools) }
  }
}
