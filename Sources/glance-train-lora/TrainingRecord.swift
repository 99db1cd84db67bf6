import CommandSupport
import ExpertTraining
import JSON
import Reports
import Safetensors
import Schedules
import SystemPackage
import Training

/// The log of a run: `NAME.csv` and `NAME.jsonl` with one line a step, and a page at the end.
///
/// Both are written anew whenever a state is saved, so that they hold the same steps as the state;
/// a run that goes on keeps the lines of the steps it has.
final class TrainingRecord {
  private struct Row {
    let phase: Phase
    let result: TrainingRun.StepResult
    let seconds: Double
  }

  private let plan: ExpertPlan
  private let output: ExpertOutput
  private let isOn: Bool
  private var rows: [String] = []
  private var lines: [JSONValue] = []
  private var points: [(phase: Phase, sigma: Float, step: Int, loss: Double)] = []
  private var lastStep = ContinuousClock.now

  init(plan: ExpertPlan, output: ExpertOutput, isOn: Bool) {
    self.plan = plan
    self.output = output
    self.isOn = isOn
  }

  private static let header =
    "phase,step,timestep,loss,gradient_norm,learning_rate,sample,caption_dropped,seconds"

  func take(_ event: ExpertEvent) throws {
    guard isOn else { return }
    switch event {
    case .began(let phase, let step):
      if step > 0 { try keepEarlierLines(of: phase, before: step) }
      lastStep = .now
    case .step(let phase, let result):
      add(phase, result)
    case .saved, .wrote:
      try write()
    case .preparing, .warning: break
    }
  }

  private func add(_ phase: Phase, _ result: TrainingRun.StepResult) {
    let now = ContinuousClock.now
    let seconds = (now - lastStep) / .seconds(1)
    lastStep = now
    for item in result.items {
      points.append((phase, item.sigma, result.step, item.loss))
      let line: JSONValue = [
        "phase": .string(phase.name), "step": .integer(Int64(result.step + 1)),
        "timestep": .number(Double(item.sigma) * 1000), "loss": .number(item.loss),
        "gradient_norm": .number(result.gradientNorm),
        "learning_rate": .number(result.learningRate), "sample": .string(item.sample),
        "caption_dropped": .bool(item.isCaptionDropped), "seconds": .number(seconds),
      ]
      lines.append(line)
    }
  }

  /// Takes over the lines of a log that a run left behind.
  private func keepEarlierLines(of phase: Phase, before step: Int) throws {
    let file = output.companion(".jsonl")
    guard let descriptor = try? FileDescriptor.open(file, .readOnly, options: .closeOnExec) else {
      return
    }
    var bytes: [UInt8] = []
    try descriptor.closeAfter {
      var block = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = try unsafe block.withUnsafeMutableBytes {
          try unsafe descriptor.read(into: $0)
        }
        if count == 0 { break }
        bytes += block[..<count]
      }
    }
    for text in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard let line = try? JSONValue(parsing: String(text)), line["phase"]?.string == phase.name,
        let done = line["step"]?.integer, done <= step, let loss = line["loss"]?.double,
        let timestep = line["timestep"]?.double
      else { continue }
      lines.append(line)
      points.append((phase, Float(timestep / 1000), done - 1, loss))
    }
  }

  private func write() throws {
    let keys = Self.header.split(separator: ",").map(String.init)
    let csv = lines.map { line in
      keys.map { key in
        switch line[key] {
        case .string(let text): SafeText.csvField(text)
        case let value?: value.text()
        case nil: ""
        }
      }.joined(separator: ",")
    }
    try save(([Self.header] + csv).joined(separator: "\n") + "\n", ".csv")
    try save(lines.map { $0.text() + "\n" }.joined(), ".jsonl")
  }

  /// Writes the page.
  func finish(_ experts: [TrainedExpert]) throws {
    guard isOn else { return }
    var page = HTMLPage(title: "Training of \(output.name)")
    page.addListing(TrainingText.plan(plan, output))
    page.addHeading("The schedule")
    page.add(scheduleChart(plan.schedule))
    for expert in experts {
      page.addHeading("Loss of the \(expert.phase) expert")
      page.add(lossChart(expert.phase))
      page.addText(
        "With noise that is the same for both, so that the numbers can be compared:")
      page.addTable(
        header: ["timestep", "base alone", "with the adapter"],
        rows: expert.losses.map {
          [
            Readable.fixed(Double($0.sigma) * 1000, places: 1),
            Readable.significant($0.base, digits: 4),
            Readable.significant($0.adapted, digits: 4),
          ]
        })
    }
    try save(page.text, "-report.html")
  }

  private func lossChart(_ phase: Phase) -> LineChart {
    let entries = plan.schedule.entries[plan.schedule.indices(of: phase)]
    return LineChart(
      title: "Loss of every training step, by timestep", xAxis: "step", yAxis: "loss",
      series: entries.map { entry in
        LineChart.Series(
          name: "t \(Readable.fixed(Double(entry.sigma) * 1000, places: 0))",
          points: points.filter { $0.phase == phase && $0.sigma == entry.sigma }
            .map { (Double($0.step + 1), $0.loss) })
      })
  }

  private func save(_ text: String, _ suffix: String) throws {
    try writeAtomically(
      unsafe Array(text.utf8).span.bytes, to: output.companion(suffix), overwrite: true)
  }
}

/// The sigmas of a schedule, a line a phase.
func scheduleChart(_ schedule: PhaseSchedule) -> LineChart {
  LineChart(
    title: "Noise level of every step; the model's own grid behind it",
    xAxis: "step of the teacher's grid", yAxis: "sigma",
    series: schedule.phases.map { phase in
      let indices = schedule.indices(of: phase)
      return LineChart.Series(
        name: "\(phase)",
        points: indices.map {
          (Double(schedule.entries[$0].teacherStep ?? $0), Double(schedule.entries[$0].sigma))
        })
    })
}
