internal import Files
internal import Schedules
internal import SystemPackage
internal import Training

extension ExpertPlan {
  /// Whether a run is at a step after which its expert is drawn with.
  func isPreviewDue(_ run: TrainingRun, _ output: ExpertOutput) -> Bool {
    run.state.step > 0
      && output.previews?.isDue(after: run.state.step, of: settings.steps) == true
  }

  /// Where it is due writes the expert as it is, lets it be drawn with, and takes it away again.
  func previewIfDue(
    _ expert: ExpertRun, _ output: ExpertOutput, _ log: TrainingLog, _ inputs: Inputs,
    _ handle: (ExpertEvent) throws -> Void
  ) throws {
    let (phase, run) = (expert.phase, expert.run)
    guard isPreviewDue(run, output) else { return }
    let file = output.ofPreview.file(phase)
    defer { removeEntry(file) }
    try write(
      run.state, phase: phase, to: output.ofPreview, sampleDigest: inputs.sampleDigest,
      baseDigest: inputs.base)
    try handle(
      .preview(
        ExpertPreview(phase: phase, step: run.state.step, adapters: inputs.experts + [file]), log))
  }

  /// Lets an expert be drawn with that was finished before.
  func previewFinished(
    _ phase: Phase, _ output: ExpertOutput, _ log: TrainingLog, _ inputs: Inputs,
    _ handle: (ExpertEvent) throws -> Void
  ) throws {
    guard output.previews != nil else { return }
    let file = output.file(phase)
    try handle(
      .preview(
        ExpertPreview(phase: phase, step: settings.steps, adapters: inputs.experts + [file]), log))
  }
}
