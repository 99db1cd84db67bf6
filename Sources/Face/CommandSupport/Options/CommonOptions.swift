public import ArgumentParser

#if canImport(Glibc)
  internal import Glibc
#endif

/// The options that every command has.
public struct CommonOptions: ParsableArguments {
  /// Print warnings and errors only.
  @Flag(
    name: .shortAndLong,
    help:
      "Print warnings, errors and answers only: no progress, and no tables about what was written.")
  public var quiet = false

  /// Print details.
  @Flag(name: .shortAndLong, help: "Print more about what is done.")
  public var verbose = false

  /// How many threads to use.
  @Option(
    help: ArgumentHelp(
      "Use this many threads (default: one a processor); results don't depend on it.",
      valueName: "n"))
  public var threads: Int?

  /// The defaults.
  public init() {}

  /// Checks ranges.
  public mutating func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
    if let threads, !(1...1024 ~= threads) {
      throw ValidationError("--threads: expected 1 to 1024, found \(threads)")
    }
  }

  /// How much to say.
  public var verbosity: Terminal.Verbosity { quiet ? .quiet : verbose ? .verbose : .normal }

  /// How many threads to use: `--threads`, else one a processor.
  public var threadCount: Int { threads ?? Self.processorCount }

  /// Processors of this machine, at least one.
  public static let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}

/// The options of commands that write files.
public struct OutputOptions: ParsableArguments {
  /// Whether existing outputs may be replaced.
  @Flag(help: "Replace outputs that exist.")
  public var force = false

  /// Whether to print the plan only.
  @Flag(help: "Print what would be read and written, and how much it takes; then stop.")
  public var dryRun = false

  /// The defaults.
  public init() {}
}
