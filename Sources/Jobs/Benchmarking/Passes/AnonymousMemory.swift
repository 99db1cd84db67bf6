internal import Concurrency
internal import Dispatch
internal import Files
internal import Synchronization
internal import SystemPackage

/// Memory of this process that is of no file.
enum AnonymousMemory {
  /// Bytes of it now; 0 where the system doesn't tell.
  static var byteCount: Int {
    guard let status = try? readWhole("/proc/self/status", atMost: 1 << 20) else { return 0 }
    let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
    let line = lines.first { $0.hasPrefix("RssAnon:") }
    return 1024 * (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0)
  }

  /// The most bytes while the body runs, above those before it, when large buffers of earlier work have gone back.
  static func growth(of body: () throws -> Void) rethrows -> Int {
    Scratch.giveBackFree()
    Pages.giveBackKept()
    let before = byteCount
    let peak = Peak()
    // A thread of its own: those of loops are all at work.
    let timer = DispatchSource.makeTimerSource(
      queue: DispatchQueue(label: "memory", qos: .userInteractive))
    timer.setEventHandler { peak.note(byteCount) }
    timer.schedule(deadline: .now(), repeating: .milliseconds(5))
    timer.activate()
    defer { timer.cancel() }
    try body()
    peak.note(byteCount)
    return peak.value - before
  }

  /// The largest number that was noted.
  private final class Peak: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }

    func note(_ count: Int) { number.max(count, ordering: .relaxed) }
  }
}
