internal import Synchronization

/// How far a long piece of work is, on standard error.
///
/// On a terminal it is one line that is drawn over; elsewhere a line of text after the first second
/// and then every ten; with `--quiet` nothing. `update` may be called as often as is convenient, from
/// any thread.
public final class ProgressLine: Sendable {
  /// What is counted.
  public enum Unit: Sendable, Equatable {
    /// Bytes, shown in units of 1000.
    case bytes
    /// Things that have a name.
    case items(plural: String, singular: String)

    /// Steps of training or sampling.
    public static let steps = Unit.items(plural: "steps", singular: "step")
    /// Tensors.
    public static let tensors = Unit.items(plural: "tensors", singular: "tensor")
  }

  /// Where and when lines appear.
  package enum Style: Sendable {
    /// One line, drawn over.
    case redrawn
    /// A line now and then.
    case plain
    /// No line.
    case none
  }

  private struct State {
    var startedAt: Duration
    var nextLineAt: Duration
    var doneBefore: Int
  }

  private let text: ProgressText
  private let style: Style
  private let now: @Sendable () -> Duration
  private let limit: @Sendable () -> Int
  private let show: @Sendable (String) -> Void
  private let state: Mutex<State>

  /// Progress of an activity.
  ///
  /// - Parameters:
  ///   - activity: what is done, such as `merging`.
  ///   - total: how much there is to do, where it is known.
  ///   - unit: what is counted.
  ///   - done: how much an earlier run did.
  public convenience init(_ activity: String, total: Int?, unit: Unit, alreadyDone done: Int = 0) {
    let style: Style =
      Terminal.verbosity <= .quiet ? .none : Terminal.isTerminal(.error) ? .redrawn : .plain
    let start = ContinuousClock.now
    self.init(
      ProgressText(activity: activity, unit: unit, total: total), done: done, style: style,
      now: { ContinuousClock.now - start },
      // A line that fills its terminal wraps on some, so one column stays free.
      limit: { style == .redrawn ? Terminal.columns(.error) - 1 : .max },
      show: { line in
        switch style {
        case .redrawn: Terminal.drawLive(line)
        case .plain: Terminal.note(line)
        case .none: break
        }
      })
  }

  /// Progress shown by other means and another clock.
  package init(
    _ text: ProgressText, done: Int, style: Style, now: @escaping @Sendable () -> Duration,
    limit: @escaping @Sendable () -> Int = { .max },
    show: @escaping @Sendable (String) -> Void
  ) {
    self.text = text
    self.style = style
    self.now = now
    self.limit = limit
    self.show = show
    let start = now()
    state = Mutex(
      State(
        startedAt: start, nextLineAt: start + (style == .redrawn ? .zero : .seconds(1)),
        doneBefore: done))
  }

  /// Tells how much is done now.
  ///
  /// - Parameters:
  ///   - done: in all, with what earlier runs did.
  ///   - note: what else there is to say, such as a loss; made only when a line is shown.
  public func update(_ done: Int, note: @autoclosure () -> String = "") {
    guard style != .none else { return }
    let now = now()
    let line: String? = state.withLock { state in
      guard now >= state.nextLineAt else { return nil }
      state.nextLineAt = now + (style == .redrawn ? .milliseconds(100) : .seconds(10))
      return text.line(
        done: done, elapsed: now - state.startedAt, doneBefore: state.doneBefore, note: note(),
        limit: limit())
    }
    if let line { show(line) }
  }

  /// Takes the line away; call it before printing what came out.
  public func finish() { if style == .redrawn { show("") } }
}
