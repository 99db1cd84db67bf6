internal import ExpertTraining
internal import Files
internal import JSON
internal import Reports
internal import Schedules
internal import SystemPackage

/// What people read of a log: a table, `NAME.csv`, a page, `NAME-report.html`, and event files for
/// TensorBoard; all are brought up to date whenever a state is saved.
struct TrainingPages {
  private let plan: ExpertPlan
  private let output: ExpertOutput

  init(_ plan: ExpertPlan, _ output: ExpertOutput) {
    self.plan = plan
    self.output = output
  }

  private static let columns = [
    "phase", "step", "timestep", "loss", "gradient_norm", "learning_rate", "sample",
    "caption_dropped", "seconds", "time",
  ]

  func take(_ event: ExpertEvent) throws {
    switch event {
    case .saved(_, _, let log), .wrote(_, let log):
      guard output.isLogged else { return }
      try save(table(log), ".csv")
      try save(page(log), "-report.html")
      try TrainingEvents(output).save(log)
    default: break
    }
  }

  private func table(_ log: TrainingLog) -> String {
    let lines = log.rows.map { row in
      Self.columns.map { column in
        switch row[column] {
        case .string(let text): SafeText.csvField(text)
        case let value?: value.text()
        case nil: ""
        }
      }.joined(separator: ",")
    }
    return ([Self.columns.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }

  private func page(_ log: TrainingLog) -> String {
    var page = HTMLPage(title: "Training of \(output.name)")
    page.addListing(TrainingText.plan(plan, output))
    page.addHeading("The schedule")
    page.add(scheduleChart(plan.schedule))
    for phase in log.phases { addLosses(phase, log, to: &page) }
    return page.text
  }

  private func addLosses(_ phase: String, _ log: TrainingLog, to page: inout HTMLPage) {
    page.addHeading("Loss of the \(phase) expert")
    page.add(lossChart(log.rows(of: phase)))
    let losses = log.losses(of: phase)
    guard !losses.isEmpty else { return }
    page.addText("With noise that is the same for both, so that the numbers can be compared:")
    page.addTable(
      header: ["timestep", "base alone", "with the adapter"],
      rows: losses.map {
        [
          Readable.fixed(Double($0.sigma) * 1000, places: 1),
          Readable.significant($0.base, digits: 4), Readable.significant($0.adapted, digits: 4),
        ]
      })
  }

  private func lossChart(_ rows: [JSONObject]) -> LineChart {
    let timesteps = Set(rows.compactMap { $0["timestep"]?.double }).sorted(by: >)
    return LineChart(
      title: "Loss of every training step, by timestep", xAxis: "step", yAxis: "loss",
      series: timesteps.map { timestep in
        LineChart.Series(
          name: "t \(Readable.fixed(timestep, places: 0))",
          points: rows.filter { $0["timestep"]?.double == timestep }.map {
            (Double($0["step"]?.integer ?? 0), $0["loss"]?.double ?? .nan)
          })
      })
  }

  private func save(_ text: String, _ suffix: String) throws {
    try writeAtomically(
      unsafe Array(text.utf8).span.bytes, to: output.companion(suffix), overwrite: true)
  }
}

/// The sigmas of a schedule, a series of points a phase, over the grid that they are taken from.
private func scheduleChart(_ schedule: PhaseSchedule) -> LineChart {
  let grid = schedule.teacher.map { teacher in
    LineChart.Series(
      name: "the model's own grid",
      points: teacher.sigmas.enumerated().map { (Double($0.offset), Double($0.element)) })
  }
  let phases = schedule.phases.map { phase in
    LineChart.Series(
      name: "\(phase)",
      points: schedule.indices(of: phase).map {
        (Double(schedule.entries[$0].teacherStep ?? $0), Double(schedule.entries[$0].sigma))
      }, isJoined: grid == nil)
  }
  return LineChart(
    title: grid == nil
      ? "Noise level of every step" : "Noise level of every step; the model's own grid behind it",
    xAxis: grid == nil ? "step" : "step of the teacher's grid", yAxis: "sigma",
    series: [grid].compactMap(\.self) + phases)
}
