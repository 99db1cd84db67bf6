internal import Adapters
internal import CommandSupport
internal import Evaluation
internal import OptionGroups
internal import Reports
internal import SystemPackage

extension EvaluationPlan {
  /// Tells what a person should know of the arms.
  func tellNotes() {
    for note in notes { Terminal.warn(note) }
    for (source, note) in adapterNotes { note.warn(of: source) }
  }

  /// Draws what is missing and writes the reports.
  ///
  /// - Returns: what came out.
  /// - Throws: what can't be drawn or written.
  func measure(in folder: EvaluationFolder, gridPrompts: Int) throws -> EvaluationResults {
    let progress = Progress(of: passCount)
    let results = try run(in: folder.path) { [picturesPerRun] in progress.show($0, picturesPerRun) }
    progress.line.finish()
    try folder.write(results, gridPrompts: gridPrompts)
    return results
  }

  /// Draws what is missing of some runs of the arms, a rank's part.
  func draw(_ places: [Int], in folder: FilePath) throws {
    let progress = Progress(of: passCount(places))
    try draw(places, in: folder) { [picturesPerRun] in progress.show($0, picturesPerRun) }
    progress.line.finish()
  }
}

/// What a person sees of an evaluation.
private struct Progress: Sendable {
  let line: ProgressLine

  init(of passCount: Int) {
    line = ProgressLine(
      "evaluating", total: passCount, unit: .items(plural: "passes", singular: "pass"))
  }

  func show(_ event: EvaluationEvent, _ picturesPerRun: Int) {
    switch event {
    case .note(let note): Terminal.warn(note)
    case .arm(let name, let drawn):
      Terminal.detail("\(name): \(drawn) of \(picturesPerRun) pictures are there")
    case .passes(let done): line.update(done)
    }
  }
}
