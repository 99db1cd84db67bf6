internal import Ablation
internal import ArgumentParser
internal import CommandSupport
internal import Compute
internal import Concurrency
internal import Evaluation
internal import Files
internal import JSON
internal import OptionGroups
internal import Reports
internal import SystemPackage

/// `glance-eval grid`.
struct Grid: ToolCommand {
  static let configuration = CommandConfiguration(
    verb: "grid",
    abstract: "Train and compare a whole table of variants.",
    discussion: """
      A file says what is trained and how it draws; docs/evaluation.md has its keys. Each training is \
      repeated with several seeds, trainings that several arms share are done once, and small models are \
      trained side by side. Then every arm is measured as glance-eval run does it. A table that was \
      stopped goes on with --resume.
      """,
    examples: [
      (
        "The shipped ablations on a shipped model",
        "glance-eval grid --config models/world/ablations.json --model models/tiny-flux --output out"
      )
    ])

  @Option(
    help: "The table: arms, their trainings, prompts and seeds.",
    completion: .file(extensions: ["json"]))
  var config: FilePath

  @Option(
    help: "The model's folder (model_index.json) (default: the table's).", completion: .directory)
  var model: FilePath?

  @Option(
    help: ArgumentHelp(
      "Only arms whose name has this in it; repeat for several.", valueName: "text"))
  var only: [String] = []

  @Option(
    name: [.customShort("o"), .long],
    help: "Folder for experts, pictures, latents and reports.", completion: .directory)
  var output: FilePath

  @Flag(help: "Go on with what is there of a table.")
  var resume = false

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Cache") var cache: CacheOptions

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    try arithmetic.apply(threads: common.threadCount)
    Terminal.detail(ProductKernels.account)
    let table = try GridFile(reading: config, model: model, only: only)
    var request = table.request
    request.evaluation.cache = cache.open()
    let plan = try AblationPlan(request)
    if outputs.dryRun { return try Terminal.output(plan.text) }
    guard resume || outputs.force || !output.appending("experts").isThere else {
      throw ValidationError(
        "--output: '\(output)' holds a table that was begun: go on with it with --resume, choose "
          + "another folder, or begin anew with --force")
    }
    let folder = try EvaluationFolder(output, overwrite: outputs.force || resume)
    try folder.checkIsOf(request.evaluation, overwrite: outputs.force)
    try Interruption.cooperating { try train(plan) }
    let evaluation = try plan.evaluation(in: output)
    evaluation.tellNotes()
    let results = try evaluation.measure(in: folder, gridPrompts: table.gridPrompts)
    try printResult(json: results.json, text: folder.summary(of: results))
  }

  private func train(_ plan: AblationPlan) throws {
    let progress = ProgressLine("training", total: plan.stepCount, unit: .steps)
    let isDone = try plan.train(
      in: output, startsAnew: outputs.force && !resume,
      shouldStop: { Interruption.isRequested }
    ) { event in
      switch event {
      case .note(let text): Terminal.warn(text)
      case .steps(let done): progress.update(done)
      }
    }
    progress.finish()
    if !isDone { Terminal.note("stopped; states are saved: go on with --resume") }
    try Interruption.check()
  }
}
