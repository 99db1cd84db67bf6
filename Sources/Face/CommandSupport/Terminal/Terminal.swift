public import Failures
internal import Reports
internal import Synchronization
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Where a command writes: its result to standard output, everything else to standard error.
public enum Terminal {
  /// One of the two streams.
  public enum Stream: Int32, Sendable {
    /// The result.
    case output = 1
    /// Everything else.
    case error = 2
  }

  /// How much a command says on standard error.
  public enum Verbosity: Int, Sendable, Comparable {
    /// Errors alone: one of several processes of a run, of which another speaks for all.
    case silent = -1
    /// Warnings and errors.
    case quiet
    /// Progress and notes too.
    case normal
    /// Details too.
    case verbose

    /// By how much is said.
    public static func < (left: Verbosity, right: Verbosity) -> Bool {
      left.rawValue < right.rawValue
    }
  }

  private static let level = Atomic<Int>(Verbosity.normal.rawValue)
  /// The progress line that stands on the terminal, without a line end; empty when there is none.
  private static let liveLine = Mutex("")
  private static let outputs = Atomic<Int>(0)

  /// Whether any of the result has been written, or is being written.
  static var hasOutput: Bool { outputs.load(ordering: .relaxed) > 0 }

  /// How much is said; what `--quiet` and `--verbose` set.
  public static var verbosity: Verbosity {
    Verbosity(rawValue: level.load(ordering: .relaxed)) ?? .normal
  }

  /// Sets how much is said.
  package static func setVerbosity(_ verbosity: Verbosity) {
    level.store(verbosity.rawValue, ordering: .relaxed)
  }

  /// Writes text of the result, exactly as given. A reader that went away (`| head`) ends the
  /// process quietly.
  public static func output(_ text: String) throws(OutputError) {
    try output(bytes: Array(text.utf8))
  }

  /// Writes bytes of the result, as ``output(_:)`` writes text.
  public static func output(bytes: [UInt8]) throws(OutputError) {
    outputs.add(1, ordering: .relaxed)
    let problem = write(bytes, to: .output)
    if problem == .brokenPipe { exit(128 + SIGPIPE) }
    if let problem { throw OutputError(reason: problem) }
  }

  /// One line about what was done, unless `--quiet`.
  public static func note(_ message: String) {
    if verbosity >= .normal { complain(message) }
  }

  /// One line about something that may not be as wanted; printed with `--quiet` too.
  public static func warn(_ message: String) {
    if verbosity >= .quiet { complain("warning: " + message) }
  }

  /// One line about a failure after which the command goes on, with its next input.
  public static func failure(_ message: String) { complain(message) }

  /// One line for those who asked with `--verbose`.
  public static func detail(_ message: String) {
    if verbosity == .verbose { complain(message) }
  }

  /// One line to standard error with the command's name before it; control characters are escaped,
  /// except line ends where the text is our own.
  static func complain(_ message: String, keepingLines: Bool = false) {
    let lines =
      keepingLines
      ? message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      : [message]
    let text = lines.map { SafeText.terminal($0, limit: 4000) }.joined(separator: "\n")
    liveLine.withLock { live in
      let erase = live.isEmpty ? "" : "\r\u{1B}[K"
      _ = write("\(erase)\(SafeText.terminal(ToolFacts.name)): \(text)\n\(live)", to: .error)
    }
  }

  /// Puts a line in place of the one that stands there; an empty one takes it away.
  static func drawLive(_ line: String) {
    liveLine.withLock { live in
      guard line != live else { return }
      live = line
      _ = write("\r\(line)\u{1B}[K", to: .error)
    }
  }

  /// Ends a standing progress line, from a thread that must not wait for others.
  static func leaveLive() {
    _ = liveLine.withLockIfAvailable { live in
      if !live.isEmpty { _ = write("\n", to: .error) }
      live = ""
    }
  }

  /// Writes to both streams, from a thread that must not wait for others.
  static func finalWords(_ result: String, complaint: String) {
    _ = write("\(SafeText.terminal(ToolFacts.name)): \(complaint)\n", to: .error)
    _ = write(result, to: .output)
  }

  private static func write(_ text: String, to stream: Stream) -> Errno? {
    write(Array(text.utf8), to: stream)
  }

  /// Writes everything, however many calls it takes; answers what went wrong.
  private static func write(_ bytes: [UInt8], to stream: Stream) -> Errno? {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(
          stream.rawValue, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        return Errno(rawValue: errno)
      }
    }
    return nil
  }
}

/// The result could not be written to standard output.
public struct OutputError: ClassifiedError, Equatable, CustomStringConvertible {
  /// What the system says.
  public let reason: Errno
  /// Reading or writing failed.
  public var failureKind: FailureKind { .inputOutput }
  /// One line.
  public var description: String { "standard output: cannot write: \(reason)" }
}
