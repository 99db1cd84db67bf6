internal import Concurrency
internal import Files
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#endif

/// What SIGINT, SIGTERM and SIGHUP do: unfinished outputs are removed and the process ends with
/// status 128 + n, at once or, where a loop asked to save its state first, within two seconds.
///
/// A signal handler may do next to nothing, so it only wakes a thread that does the rest. Signals
/// that the parent process had ignored (`nohup`, background jobs) stay ignored.
public enum Interruption {
  private static let received = Atomic<Int32>(0)
  private static let cooperators = Atomic<Int>(0)
  /// Both ends of the pipe from the handler to the thread.
  private static let wakeEnd = Atomic<Int32>(-1)
  private static let sleepEnd = Atomic<Int32>(-1)
  /// When the signal came; 0: it didn't.
  private static let receivedAt = Atomic<Int>(0)
  /// How long a loop waits for others after it: launchers of several processes kill them after a second.
  private static let patienceMilliseconds = 300
  /// How long a cooperating loop has: the process is gone two seconds after the signal.
  private static let graceMilliseconds: Int32 = 1500

  /// The signal that asked a cooperating loop to stop, or nil.
  public static var signal: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  /// Whether a loop inside ``cooperating(_:)`` should save and return.
  public static var isRequested: Bool { signal != nil }

  /// Whether the signal came longer ago than a loop that waits for others should wait, when it is to save
  /// its state in the time that is left.
  public static var isPressing: Bool {
    let moment = receivedAt.load(ordering: .relaxed)
    return moment > 0 && now - moment > patienceMilliseconds
  }

  /// Milliseconds of a clock that begins anywhere.
  private static var now: Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000 + 1
  }

  /// Throws ``Interrupted`` when a loop inside ``cooperating(_:)`` should stop.
  public static func check() throws(Interrupted) {
    if let signal { throw Interrupted(signal: signal) }
  }

  /// Runs a body that looks at ``isRequested`` between steps and saves its state when it is set.
  ///
  /// A signal then leaves it 1.5 s to do so, and a second signal none. Throw ``Interrupted`` after
  /// saving, so that the command ends with the signal's status.
  public static func cooperating<Result>(_ body: () throws -> Result) rethrows -> Result {
    cooperators.add(1, ordering: .relaxed)
    defer { cooperators.subtract(1, ordering: .relaxed) }
    return try body()
  }

  /// Takes over the signals; called once, before the command starts.
  static func install() {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    sleepEnd.store(ends[0], ordering: .relaxed)
    wakeEnd.store(ends[1], ordering: .relaxed)
    guard Background.start({ Interruption.watch() }) else { return }
    for number in [SIGINT, SIGTERM, SIGHUP] { handle(number) }
  }

  private static func handle(_ number: Int32) {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return }
    let isIgnored = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    if isIgnored { return }
    action = sigaction()
    action.sa_flags = SA_RESTART
    unsafe action.__sigaction_handler.sa_handler = { number in
      let saved = errno
      var byte = UInt8(truncatingIfNeeded: number)
      _ = unsafe write(Interruption.wakeEnd.load(ordering: .relaxed), &byte, 1)
      errno = saved
    }
    _ = unsafe sigaction(number, &action, nil)
  }

  /// The thread: waits for a signal, gives a cooperating loop its time, ends the process.
  private static func watch() {
    let descriptor = sleepEnd.load(ordering: .relaxed)
    var byte: UInt8 = 0
    while unsafe read(descriptor, &byte, 1) != 1 {}
    let number = Int32(byte)
    if cooperators.load(ordering: .relaxed) > 0 {
      receivedAt.store(now, ordering: .relaxed)
      received.store(number, ordering: .relaxed)
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&wait, 1, graceMilliseconds)
    }
    AtomicFile.removeTemporariesOnSignal()
    Terminal.leaveLive()
    FailureReport.tell(ofSignal: number)
    _exit(128 + number)
  }
}

/// A loop stopped because a signal asked it to, after saving its state.
public struct Interrupted: Error, CustomStringConvertible {
  /// The signal.
  public let signal: Int32

  /// One line.
  public var description: String { "interrupted by signal \(signal)" }
}
