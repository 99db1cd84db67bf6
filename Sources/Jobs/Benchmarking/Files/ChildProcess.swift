internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Programs that are timed.
enum ChildProcess {
  /// Runs a program to its end, without input, and lets go of what it prints but for errors.
  ///
  /// - Parameter words: its name, looked for as a shell does, and its arguments.
  /// - Throws: when it can't be started, or ends with another status than 0.
  static func run(_ words: [String]) throws(BenchmarkError) {
    // A parent that ignores the ends of its children leaves that to this program.
    let handler = signal(SIGCHLD, SIG_DFL)
    defer { _ = signal(SIGCHLD, handler) }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var process = pid_t()
    let status = unsafe posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
    guard status == 0 else {
      throw .cannotStart(program: words[0], reason: Errno(rawValue: status))
    }
    var end: Int32 = -1
    while unsafe waitpid(process, &end, 0) < 0 { guard errno == EINTR else { break } }
    guard end == 0 else {
      let signal = end & 0x7f
      throw .failed(program: words[0], status: signal == 0 ? (end >> 8) & 0xff : 128 + signal)
    }
  }
}
