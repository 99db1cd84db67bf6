import CommandSupport
import Elements
import Synchronization
import Testing

@Suite("Progress")
struct ProgressTests {
  /// A clock that the test sets, and the lines that appeared.
  final class Stage: Sendable {
    let state = Mutex((now: Duration.zero, lines: [String]()))
    var lines: [String] { state.withLock(\.lines) }

    func progress(_ style: ProgressLine.Style, done: Int = 0) -> ProgressLine {
      ProgressLine(
        ProgressText(activity: "training", unit: .steps, total: 60), done: done, style: style,
        now: { self.state.withLock(\.now) },
        show: { line in self.state.withLock { $0.lines.append(line) } })
    }

    func pass(_ duration: Duration) { state.withLock { $0.now += duration } }
  }

  @Test func saysWhatHowMuchHowFastAndHowLong() {
    let text = ProgressText(activity: "merging", unit: .bytes, total: 24_000_000_000)
    #expect(
      text.line(done: 12_000_000_000, elapsed: .seconds(10), doneBefore: 0, note: "")
        == "merging: 12.0 GB of 24.0 GB (50 %), 1.2 GB/s, 10 s left")
    let steps = ProgressText(activity: "training", unit: .steps, total: 60)
    #expect(
      steps.line(done: 12, elapsed: .seconds(24), doneBefore: 0, note: "loss 0.5")
        == "training: 12 of 60 steps (20 %), 2.0 s a step, 1 min 36 s left, loss 0.5")
    #expect(
      steps.line(done: 60, elapsed: .seconds(20), doneBefore: 0, note: "")
        == "training: 60 of 60 steps (100 %), 3 steps/s")
    #expect(
      steps.line(done: 0, elapsed: .zero, doneBefore: 0, note: "")
        == "training: 0 of 60 steps (0 %)")
    let open = ProgressText(activity: "reading", unit: .tensors, total: nil)
    #expect(
      open.line(done: 1, elapsed: .milliseconds(100), doneBefore: 0, note: "")
        == "reading: 1 tensor, 10 tensors/s")
  }

  @Test func ofAResumedRunCountsItsOwnWorkOnly() {
    let text = ProgressText(activity: "training", unit: .steps, total: 60)
    #expect(
      text.line(done: 40, elapsed: .seconds(5), doneBefore: 30, note: "")
        == "training: 40 of 60 steps (66 %), 2 steps/s, 10 s left")
  }

  @Test func roundsItsShareDown() {
    let text = ProgressText(activity: "x", unit: .steps, total: 1000)
    #expect(text.line(done: 999, elapsed: .zero, doneBefore: 0, note: "").contains("(99 %)"))
  }

  @Test(
    "counts shares in whole numbers",
    arguments: [(29, 50, 58), (7, 100, 7), (57, 100, 57), (1, 3, 33)])
  func shares(done: Int, total: Int, percent: Int) {
    let text = ProgressText(activity: "x", unit: .steps, total: total)
    #expect(
      text.line(done: done, elapsed: .zero, doneBefore: 0, note: "")
        == "x: \(done) of \(total) steps (\(percent) %)")
  }

  @Test(
    "leaves out from the right what doesn't fit",
    arguments: [
      (72, "training: 12 of 60 steps (20 %), 2.0 s a step, 1 min 36 s left, loss 0.5"),
      (75, "training: 12 of 60 steps (20 %), 2.0 s a step, 1 min 36 s left, loss 0.5"),
      (71, "training: 12 of 60 steps (20 %), 2.0 s a step, 1 min 36 s left"),
      (61, "training: 12 of 60 steps (20 %), 2.0 s a step"),
      (32, "training: 12 of 60 steps (20 %)"),
      (10, "training: "),
    ])
  func narrow(columns: Int, line: String) {
    let text = ProgressText(activity: "training", unit: .steps, total: 60)
    #expect(
      text.line(
        done: 12, elapsed: .seconds(24), doneBefore: 0, note: "loss 0.5", limit: columns) == line)
  }

  @Test func isPlainWithoutATerminalAfterASecondAndThenEveryTen() {
    let stage = Stage()
    let progress = stage.progress(.plain)
    for tenth in 1...250 {
      stage.pass(.milliseconds(100))
      progress.update(tenth / 10)
    }
    progress.finish()
    // Shown at 1, 11 and 21 seconds of 25.
    #expect(
      stage.lines == [
        "training: 1 of 60 steps (1 %), 1 steps/s, 59 s left",
        "training: 11 of 60 steps (18 %), 1 steps/s, 49 s left",
        "training: 21 of 60 steps (35 %), 1 steps/s, 39 s left",
      ])
  }

  @Test func isDrawnAtMostTenTimesASecondAndTakenAway() {
    let stage = Stage()
    let progress = stage.progress(.redrawn)
    for step in 1...100 {
      stage.pass(.milliseconds(10))
      progress.update(step / 2)
    }
    progress.finish()
    #expect(stage.lines.count == 11)
    #expect(stage.lines.last == "")
  }

  @Test func isSilentWhenAskedTo() {
    let stage = Stage()
    let progress = stage.progress(.none)
    stage.pass(.seconds(100))
    var wasAsked = false
    progress.update(
      1,
      note: {
        wasAsked = true
        return "x"
      }())
    progress.finish()
    #expect(stage.lines.isEmpty && !wasAsked)
  }
}
