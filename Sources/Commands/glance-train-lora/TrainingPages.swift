internal import ExpertTraining
internal import Files
internal import JSON
internal import Reports
internal import SystemPackage

/// What people read of a log: a table, `NAME.csv`, a page, `NAME-report.html`, and event files for
/// TensorBoard; all are brought up to date whenever a state is saved.
struct TrainingPages {
  private let plan: ExpertPlan
  private let output: ExpertOutput
  private var samples: PictureGrid?

  init(_ plan: ExpertPlan, _ output: ExpertOutput) {
    self.plan = plan
    self.output = output
  }

  /// The page's file.
  static func page(of output: ExpertOutput) -> FilePath { output.companion("-report.html") }

  private static let columns = [
    "phase", "step", "timestep", "loss", "gradient_norm", "learning_rate", "sample",
    "caption_dropped", "seconds", "time",
  ]

  mutating func take(_ event: ExpertEvent) throws {
    switch event {
    case .saved(_, _, let log), .wrote(_, let log): try save(log)
    default: break
    }
  }

  /// Writes what comes from a log, where one is kept.
  mutating func save(_ log: TrainingLog) throws {
    guard output.isLogged else { return }
    try save(table(log), ".csv")
    let samples = try samples ?? TrainingPage.samples(of: plan)
    self.samples = samples
    try save(TrainingPage(plan, output, log, samples: samples).text(), "-report.html")
    try TrainingEvents(output).save(log)
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

  private func save(_ text: String, _ suffix: String) throws {
    try writeAtomically(
      unsafe Array(text.utf8).span.bytes, to: output.companion(suffix), overwrite: true)
  }
}
