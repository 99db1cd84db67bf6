internal import CommandSupport
internal import ExpertTraining
internal import Reports
internal import Schedules
internal import Synchronization
internal import SystemPackage
internal import Training

/// One line that is redrawn: expert, steps, loss, timestep.
final class TrainingProgress {
  private let plan: ExpertPlan
  private var line: ProgressLine?
  /// Whose steps are shown, and after how many it began.
  private var shown: (phase: Phase, start: Int)?

  init(_ plan: ExpertPlan) { self.plan = plan }

  func show(_ event: ExpertEvent) {
    switch event {
    case .preparing(let text): Terminal.detail(text)
    case .warning(let text): Terminal.warn(text)
    case .finishedBefore(let phase):
      Terminal.note("\(phase): finished before, nothing to do")
    case .began(let phase, let step):
      if step > 0 { Terminal.note("\(phase): going on after step \(step)") }
      // Of experts that are trained at once, the one that has most steps left.
      if plan.request.phasesAtOnce, let shown, shown.start <= step { break }
      shown = (phase, step)
      line?.finish()
      line = ProgressLine(
        "\(phase)", total: plan.settings.steps, unit: .steps, alreadyDone: step)
    case .step(let phase, let result):
      if phase == shown?.phase { line?.update(result.step + 1, note: note(result)) }
    case .admitted, .saving, .saved, .preview: break
    case .wrote(let expert, _):
      line?.finish()
      line = nil
      Terminal.note("wrote \(SafeText.terminal(expert.file.string))")
    }
  }

  /// Says what people look at besides, when all is written.
  static func tellPages(of output: ExpertOutput) {
    let folder = output.previews == nil ? nil : output.previewFolder
    for path in [output.isLogged ? TrainingPages.page(of: output) : nil, folder].compactMap(\.self)
    {
      Terminal.note("see \(SafeText.terminal(path.string))")
    }
  }

  func finish() { line?.finish() }

  private func note(_ result: TrainingRun.StepResult) -> String {
    let timesteps = result.items.map { Readable.fixed(Double($0.sigma) * 1000, places: 0) }
    return "loss \(Readable.significant(result.loss, digits: 4)) at t "
      + timesteps.prefix(3).joined(separator: ", ")
  }
}
