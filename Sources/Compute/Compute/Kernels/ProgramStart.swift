#if canImport(Glibc)
  internal import Glibc
#endif

/// Starting the running program again, with other variables.
enum ProgramStart {
  /// The program's file. Where its name is known the process keeps that name in lists.
  private static let file: String = {
    let found = unsafe realpath("/proc/self/exe", nil)
    defer { unsafe free(found) }
    return unsafe found.map { unsafe String(cString: $0) } ?? "/proc/self/exe"
  }()

  /// Runs the program without streams in a process of its own, called as it was; whether it ends with 0.
  static func succeeds(_ variables: [String: String]) -> Bool {
    // A caller that ignores the ends of its children leaves that to the programs it starts, and then
    // the end can't be waited for.
    let handler = signal(SIGCHLD, SIG_DFL)
    defer { _ = signal(SIGCHLD, handler) }
    var process = pid_t()
    let status = with(variables.merging(["SWIFT_BACKTRACE": "enable=no"]) { old, _ in old }) {
      var actions = unsafe posix_spawn_file_actions_t()
      unsafe posix_spawn_file_actions_init(&actions)
      defer { unsafe posix_spawn_file_actions_destroy(&actions) }
      for descriptor in [Int32(0), 1, 2] {
        unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
      }
      return unsafe posix_spawn(&process, file, &actions, nil, CommandLine.unsafeArgv, environ)
    }
    guard status == 0 else { return false }
    var end: Int32 = -1
    while unsafe waitpid(process, &end, 0) < 0 { guard errno == EINTR else { return false } }
    return end == 0
  }

  /// Becomes the program anew, with its arguments; returns only where that fails.
  static func replace(_ variables: [String: String]) {
    _ = with(variables) { unsafe execv(file, CommandLine.unsafeArgv) }
  }

  /// Sets variables for the time of a call.
  private static func with(_ variables: [String: String], _ body: () -> Int32) -> Int32 {
    let before = variables.map { name, _ in
      (name, unsafe getenv(name).map { unsafe String(cString: $0) })
    }
    for (name, value) in variables { unsafe setenv(name, value, 1) }
    defer {
      for (name, value) in before {
        if let value { unsafe setenv(name, value, 1) } else { unsafe unsetenv(name) }
      }
    }
    return body()
  }
}
