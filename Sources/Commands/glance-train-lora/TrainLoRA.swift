internal import ArgumentParser
package import CommandSupport
internal import Compute
internal import Concurrency
internal import Elements
internal import ExpertTraining
internal import Failures
internal import JSON
internal import MessagePassing
internal import OptionGroups
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Training
internal import TrainingOptionGroups

/// What `glance-train-lora` runs.
package var trainLoRACommand: any Tool.Type { TrainLoRA.self }

struct TrainLoRA: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-train-lora",
    abstract: "Train Glance's slow and fast experts from one picture and its caption.",
    discussion: """
      The slow expert sees the early, noisy timesteps of the teacher's schedule, the fast one the \
      later ones; both are LoRA adapters in diffusers' form. The same inputs give the same bytes, \
      for any number of threads (but with --device torch-cpu); a run that was stopped continues with --resume. \
      Under mpirun the work is shared among processes, to the same bytes: docs/many-machines.md.
      """,
    examples: [
      (
        "Both experts from one picture",
        "glance-train-lora --model FLUX.1-dev --image cat.png --caption \"a cat\" --output out --name cat"
      ),
      (
        "The fast expert, from a folder of x.png with x.txt; see the plan first",
        "glance-train-lora --model Qwen-Image --data pictures --phase fast --output out --dry-run"
      ),
      (
        "Go on with a run that was stopped",
        "glance-train-lora --config out/cat.config.json --resume"
      ),
      (
        "Add steps to a run that was finished",
        "glance-train-lora --config out/cat.config.json --resume --steps 100"
      ),
    ])

  @OptionGroup var training: TrainingOptions
  @OptionGroup(title: "Output") var results: ResultOptions
  @OptionGroup var outputs: OutputOptions

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticOptions

  @OptionGroup(title: "Cache") var cache: CacheOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  static func prepare() {
    ProductKernels.settle()
    DeviceListing.answerIfAsked()
  }

  static func commandLine() throws -> [String]? {
    guard let (path, given) = try ConfigurationFile.find(ToolFacts.arguments) else { return nil }
    let file = try ConfigurationFile(reading: path)
    if let unknown = UnknownOption(in: file.options.flatMap(\.arguments), of: Self.self) {
      throw ConfigurationFile.Failure(
        file: path, detail: unknown.description, failureKind: .usage)
    }
    let all = file.arguments(before: given)
    do { _ = try parseAsRoot(all) } catch {
      guard exitCode(for: error) != .success,
        let failure = file.failure(for: message(for: error), given: given)
      else { return all }
      throw failure
    }
    return all
  }

  func execute() throws { try onRanks(train) }

  private func train(on ranks: Ranks?) throws {
    let threads = threadCount(on: ranks)
    Parallel.useThreads(threads)
    func resolve() throws -> (plan: ExpertPlan, warning: String?) {
      try arithmetic.apply(threads: threads)
      var (request, warning) = try training.request()
      request.cache = cache.open()
      request.phasesAtOnce = results.phasesAtOnce
      return (try ExpertPlan(request), warning)
    }
    let (plan, warning) =
      try ranks?.together(
        resolve, facts: { [try programFact()] + $0.plan.facts },
        describe: { ("\($0)", failureKind(of: $0)) }) ?? resolve()
    if let ranks, !ranks.isFirst {
      guard !outputs.dryRun else { return }
      return try Interruption.cooperating {
        try plan.assist(ranks, shouldStop: { Interruption.isRequested })
      }
    }
    Terminal.detail(ProductKernels.account)
    let notes = [warning].compactMap(\.self) + plan.notes
    for warning in notes + TrainingText.warnings(plan, ranks) { Terminal.warn(warning) }
    let output = output()
    let configuration = SavedConfiguration(self, plan: plan, output: output)
    var previews = try TrainingPreviews(plan, output)
    let forecast = try previews?.forecast()
    var report = TrainingReport(plan, output, settings: configuration.json)
    report.previews = forecast
    report.rankCount = ranks?.count ?? 1
    if outputs.dryRun {
      ranks?.end()
      let seconds = plan.stepSeconds(ranks: report.rankCount)
      let kept = try plan.keptResults()
      return try Terminal.output(
        json
          ? report.json(stepSeconds: seconds, kept: kept).text(.pretty) + "\n"
          : TrainingText.plan(
            plan, output, ranks: report.rankCount, seconds: seconds, kept: kept,
            previews: forecast))
    }
    let text = TrainingText.plan(plan, output, ranks: report.rankCount, previews: forecast)
    for line in text.split(separator: "\n") { Terminal.detail(String(line)) }
    tellOfTheFile(plan)
    var pages = TrainingPages(plan, output)
    let meter = TrainingProgress(plan)
    let start = ContinuousClock.now
    if common.verbose { ProductMeter.start() }
    let experts = try Interruption.cooperating {
      try plan.train(to: output, ranks: ranks, shouldStop: { Interruption.isRequested }) { event in
        meter.show(event)
        if case .admitted = event {
          try configuration.check()
          try previews?.prepare()
        }
        if case .saving = event { try configuration.save() }
        if case .preview(let preview, let log) = event, try previews?.draw(preview) == true {
          try pages.save(log)
        }
        try pages.take(event)
      }
    }
    meter.finish()
    if common.verbose {
      let products = ProductMeter.reading
      Terminal.tellProducts(
        seconds: products.seconds, operations: products.operations,
        of: ContinuousClock.now - start)
    }
    if experts.count < plan.phases.count {
      Terminal.note("stopped; the state is saved: go on with --resume")
    }
    try Interruption.check()
    if experts.count < plan.phases.count { throw StoppedElsewhere() }
    TrainingProgress.tellPages(of: output)
    report.add(experts)
    try printResult(json: report.json, text: TrainingText.summary(experts, plan))
  }

  /// What the adapter's file will be that a person may not expect.
  private func tellOfTheFile(_ plan: ExpertPlan) {
    if results.legacyFile {
      Terminal.warn(
        "--legacy-file writes the published form: without alpha, so that loaders apply a quarter "
          + "of the trained strength or another share, and partly under names that they overlook")
    }
    if plan.settings.foldsGuidance {
      Terminal.note(
        "guidance \(plan.settings.cfg) is folded in: the file tells samplers to take one pass a step"
      )
    }
    if let guidance = plan.drawingGuidance, guidance != plan.pipeline.defaults.sampling.guidance {
      Terminal.note("trained at guidance \(guidance), which the file tells samplers")
    }
  }

  func output() -> ExpertOutput {
    var output = ExpertOutput(folder: results.output, name: results.name)
    output.dtype = results.adapterDtype == .bf16 ? .bf16 : .f32
    output.overwrite = outputs.force
    output.resumes = results.resume
    output.saveEvery = results.saveEvery
    output.keepsStates = results.keepState
    output.isLogged = results.log
    output.isLegacy = results.legacyFile
    output.title = results.title
    output.previews = results.preview.map {
      PreviewRequest(prompt: $0, every: results.previewEvery ?? 0)
    }
    return output
  }
}

/// Another rank got a signal, and the run stopped for it.
private struct StoppedElsewhere: ClassifiedError, CustomStringConvertible {
  var failureKind: FailureKind { .inputOutput }
  var description: String { "stopped by a signal that another rank got" }
}
