public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A command of this package, run as users run it.
public struct BuiltCommand: Sendable {
  /// The executable, beside the test runner.
  public let path: FilePath

  /// What a run left.
  public struct Outcome: Sendable {
    /// The exit status; 128 + n when signal n ended the process itself.
    public let status: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String
  }

  /// The command of that name, such as `glance-inspect`.
  public init(_ name: String) {
    let runner = unsafe realpath("/proc/self/exe", nil)
    defer { unsafe free(runner) }
    let path = unsafe runner.map { unsafe FilePath(platformString: $0) } ?? ""
    self.path = path.removingLastComponent().appending(name)
  }

  /// Another program.
  public init(path: FilePath) { self.path = path }

  /// Runs the command with these arguments, and these variables beside those of the test, and waits
  /// for its end.
  public func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    try RunningCommand(path, arguments, environment).outcome()
  }

  /// Starts the command without waiting.
  public func start(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> RunningCommand {
    try RunningCommand(path, arguments, environment)
  }

  /// Runs the command and kills it so many times, every other time a random while after it saved something, else at a
  /// random moment; then lets it come to its end.
  ///
  /// - Parameters:
  ///   - times: how often.
  ///   - folder: where something new is saved, in folders of it.
  ///   - arguments: those of every run, with which one goes on where the one before was killed.
  /// - Returns: what the last one left, how many were killed, and how many of them had saved something: fewer where
  ///   one came to its end before.
  /// - Throws: when it cannot be started.
  public func runKilled(
    _ times: Int, saving folder: FilePath, _ arguments: [String]
  ) throws -> (end: Outcome, kills: Int, saves: Int) {
    func saved() -> [String] {
      TemporaryFolder.names(in: folder).flatMap { name in
        TemporaryFolder.names(in: folder.appending(name)).map { "\(name)/\($0)" }
      }
    }
    var saves = 0
    for kills in 0..<times {
      let before = saved()
      let running = try start(arguments)
      if kills.isMultiple(of: 2) {
        if running.waits(until: { saved() != before }) { saves += 1 }
        usleep(.random(in: 0...8_000))
      } else {
        usleep(.random(in: 5_000...150_000))
      }
      running.send(SIGKILL)
      let outcome = try running.outcome()
      if outcome.status != 128 + SIGKILL { return (outcome, kills, saves) }
    }
    return (try run(arguments), times, saves)
  }

  /// Runs a line of the shell in which `$COMMAND` is the executable: for pipes and redirections.
  public func shell(
    _ line: String, environment: [String: String] = [:]
  ) throws -> Outcome {
    var environment = environment
    environment["COMMAND"] = path.string
    return try RunningCommand("/bin/sh", ["-c", line], environment).outcome()
  }
}

/// A command that has been started; its output goes to files, so that it never waits for a reader.
public final class RunningCommand {
  /// The process.
  public let process: Int32
  private let folder: TemporaryFolder
  private let outputPath: FilePath
  private let errorsPath: FilePath

  init(_ path: FilePath, _ arguments: [String], _ environment: [String: String]) throws {
    folder = try TemporaryFolder()
    outputPath = folder.path.appending("output")
    errorsPath = folder.path.appending("errors")
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (descriptor, file) in [(Int32(1), outputPath), (2, errorsPath)] {
      unsafe posix_spawn_file_actions_addopen(
        &actions, descriptor, file.string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    // Threads of the test runner block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var process = pid_t()
    let status = unsafe withCStrings([path.string] + arguments) { words in
      unsafe withCStrings(RunningCommand.variables(with: environment)) { variables in
        unsafe posix_spawn(&process, path.string, &actions, &attributes, words, variables)
      }
    }
    guard status == 0 else { throw Errno(rawValue: status) }
    self.process = process
  }

  /// What the command has written to standard output so far.
  public func outputSoFar() throws -> String { try Fixtures.text(outputPath) }

  /// Whether the process hasn't ended; its status is left for `outcome`.
  private var isRunning: Bool {
    var information = siginfo_t()
    return unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0
      && information.si_signo == 0
  }

  /// Waits until standard output holds a text; false when the command ends or a minute passes first.
  public func waits(for text: String) throws -> Bool {
    try waits { try outputSoFar().contains(text) }
  }

  /// Waits until a file or folder is there and has so many lines; false when the command ends or a minute
  /// passes first.
  public func waits(for file: FilePath, lines: Int = 0) -> Bool {
    waits {
      if lines == 0 { return access(file.string, F_OK) == 0 }
      return (try? Fixtures.text(file))?.count { $0 == "\n" } ?? 0 >= lines
    }
  }

  /// Waits until something is so; false when the command ends or a minute passes first.
  public func waits(until isSo: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<60_000 {
      if try isSo() { return true }
      guard isRunning else { return try isSo() }
      usleep(1000)
    }
    return false
  }

  /// Sends a signal.
  public func send(_ signal: Int32) { kill(process, signal) }

  /// Waits for the end, and watches how much anonymous memory the process holds.
  ///
  /// - Returns: the outcome and the most bytes that were seen.
  public func outcomeWithPeak() throws -> (BuiltCommand.Outcome, anonymousBytes: Int) {
    var peak = 0
    while isRunning {
      let status = try? Fixtures.text(FilePath("/proc/\(process)/status"))
      let line = status?.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
      let kilobytes = line?.split { $0.isWhitespace }.dropFirst().first.flatMap { Int($0) }
      peak = max(peak, 1024 * (kilobytes ?? 0))
      usleep(1000)
    }
    return (try outcome(), peak)
  }

  /// Waits for the end.
  public func outcome() throws -> BuiltCommand.Outcome {
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return BuiltCommand.Outcome(
      status: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
      output: try Fixtures.text(outputPath), errors: try Fixtures.text(errorsPath))
  }

  /// The variables of a run: those of the test, but no cache of results, which is the user's, unless one is
  /// asked for.
  private static func variables(with asked: [String: String]) -> [String] {
    let more = ["GLANCE_CACHE": ""].merging(asked) { _, asked in asked }
    var variables: [String] = []
    var next = unsafe environ
    while let variable = unsafe next.pointee {
      let text = unsafe String(cString: variable)
      if !more.keys.contains(where: { text.hasPrefix($0 + "=") }) { variables.append(text) }
      unsafe next += 1
    }
    return variables + more.map { "\($0)=\($1)" }.sorted()
  }
}

/// A null-terminated array of C strings for the time of a call.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
  defer { unsafe pointers.forEach { unsafe free($0) } }
  return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
}
