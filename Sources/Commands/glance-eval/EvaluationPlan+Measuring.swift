internal import Adapters
internal import CommandSupport
internal import Evaluation
internal import OptionGroups
internal import Reports

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
    let progress = ProgressLine(
      "evaluating", total: passCount, unit: .items(plural: "passes", singular: "pass"))
    let results = try run(in: folder.path) { event in
      switch event {
      case .note(let note): Terminal.warn(note)
      case .arm(let name, let drawn):
        Terminal.detail("\(name): \(drawn) of \(picturesPerRun) pictures are there")
      case .passes(let done): progress.update(done)
      }
    }
    progress.finish()
    try folder.write(results, gridPrompts: gridPrompts)
    return results
  }
}
