#if canImport(Glibc)
  internal import Glibc
#endif

/// What time it is, for people and for processors, in seconds.
public struct Moment: Sendable {
  /// Of a clock that only goes forward.
  public let wall: Double
  /// That this process and the children that it waited for have computed, on all processors together.
  public let cpu: Double

  /// A moment of these clocks.
  public init(wall: Double, cpu: Double) {
    self.wall = wall
    self.cpu = cpu
  }

  /// Now.
  public static var now: Moment {
    var children = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &children)
    let waited = seconds(children.ru_utime) + seconds(children.ru_stime)
    return Moment(
      wall: seconds(CLOCK_MONOTONIC), cpu: seconds(CLOCK_PROCESS_CPUTIME_ID) + waited)
  }

  /// What a clock of the system says.
  static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }

  private static func seconds(_ time: timeval) -> Double {
    Double(time.tv_sec) + 1e-6 * Double(time.tv_usec)
  }
}
