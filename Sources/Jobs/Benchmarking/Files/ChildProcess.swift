internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Programs that are timed.
enum ChildProcess {
  /// Where a program's input comes from, or its output goes.
  enum Stream {
    /// This descriptor.
    case descriptor(Int32)
    /// There is none.
    case nothing
    /// That of this program.
    case own
  }

  /// Runs a program to its end, without input, and lets go of what it prints but for errors.
  ///
  /// - Parameter words: its name, looked for as a shell does, and its arguments.
  /// - Throws: when it can't be started, or ends with another status than 0.
  static func run(_ words: [String]) throws(BenchmarkError) {
    // A parent that ignores the ends of its children leaves that to this program.
    let handler = signal(SIGCHLD, SIG_DFL)
    defer { _ = signal(SIGCHLD, handler) }
    let process = try start(words, input: .nothing, output: .nothing, errors: .own)
    let status = status(of: process, waits: true) ?? -1
    guard status == 0 else { throw .failed(program: words[0], status: status) }
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - words: its name, looked for as a shell does, and its arguments.
  ///   - input: what it reads.
  ///   - output: where its output goes.
  ///   - errors: where its words about errors go.
  ///   - isOfOwnGroup: whether what a terminal sends to this program doesn't reach it.
  /// - Returns: its number.
  /// - Throws: when it can't be started.
  static func start(
    _ words: [String], input: Stream, output: Stream, errors: Stream, isOfOwnGroup: Bool = false
  ) throws(BenchmarkError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for (number, stream) in [input, output, errors].enumerated() {
      let number = Int32(number)
      switch stream {
      case .descriptor(let descriptor):
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
      case .nothing:
        unsafe posix_spawn_file_actions_addopen(
          &actions, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0)
      case .own: break
      }
    }
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    if isOfOwnGroup {
      unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    }
    var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var process = pid_t()
    let status = unsafe posix_spawnp(
      &process, words[0], &actions, &attributes, &arguments, environ)
    guard status == 0 else {
      throw .cannotStart(program: words[0], reason: Errno(rawValue: status))
    }
    return process
  }

  /// The status with which a program ended, 128 and the number of a signal that ended it; nil where it
  /// runs on, or somebody else was told.
  static func status(of process: pid_t, waits: Bool) -> Int32? {
    var end: Int32 = 0
    var found = unsafe waitpid(process, &end, waits ? 0 : WNOHANG)
    while found < 0, errno == EINTR { found = unsafe waitpid(process, &end, waits ? 0 : WNOHANG) }
    guard found == process else { return nil }
    let signal = end & 0x7f
    return signal == 0 ? (end >> 8) & 0xff : 128 + signal
  }
}
