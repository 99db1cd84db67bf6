internal import Ablation
internal import ArgumentParser
internal import CommandSupport
internal import Compute
internal import Concurrency
internal import Evaluation
import Failures
internal import Files
internal import JSON
internal import MessagePassing
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
      stopped goes on with --resume. Under mpirun trainings and arms are spread over processes, which \
      share the folder: docs/many-machines.md.
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

  func execute() throws { try onRanks(measure) }

  private func measure(on ranks: Ranks?) throws {
    let threads = threadCount(on: ranks)
    Parallel.useThreads(threads)
    func resolve() throws -> (table: GridFile, plan: AblationPlan) {
      try arithmetic.apply(threads: threads)
      let table = try GridFile(reading: config, model: model, only: only)
      var request = table.request
      request.evaluation.cache = cache.open()
      return (table, try AblationPlan(request))
    }
    let (table, plan) = try alike(ranks, resolve) { [try programFact()] + $0.plan.facts }
    Terminal.detail(ProductKernels.account)
    if outputs.dryRun {
      ranks?.end()
      return ranks?.isFirst == false ? () : try Terminal.output(plan.text)
    }
    // The first rank makes the folder before others look into it.
    let folder = try alike(ranks) {
      ranks?.isFirst == false ? nil : try begin(plan.request.evaluation, marks: ranks != nil)
    }
    try checkIsShared(ranks)
    _ = try alike(ranks) {
      try Interruption.cooperating {
        try train(plan, ranks.map { plan.trainingShare(ranks: $0.count).pieces(of: $0.rank) })
      }
    }
    let evaluation = try alike(ranks) { try plan.evaluation(in: output) }
    evaluation.tellNotes()
    if let ranks {
      let own = evaluation.runShare(ranks: ranks.count).pieces(of: ranks.rank)
      _ = try alike(ranks) { try evaluation.draw(own, in: output) }
      try ranks.leave()
    }
    guard let folder else { return }
    let results = try evaluation.measure(in: folder, gridPrompts: table.gridPrompts)
    try printResult(json: results.json, text: folder.summary(of: results))
  }

  /// What all ranks do, or none goes on; with one process what it does.
  private func alike<Value>(
    _ ranks: Ranks?, _ make: () throws -> Value, facts: (Value) throws -> [RankFact] = { _ in [] }
  ) throws -> Value {
    guard let ranks else { return try make() }
    return try ranks.together(
      make, facts: facts,
      describe: { ("\($0)", $0 is ValidationError ? .usage : failureKind(of: $0)) })
  }

  private func begin(_ request: EvaluationRequest, marks: Bool) throws -> EvaluationFolder {
    guard resume || outputs.force || !output.appending("experts").isThere else {
      throw ValidationError(
        "--output: '\(output)' holds a table that was begun: go on with it with --resume, choose "
          + "another folder, or begin anew with --force")
    }
    let folder = try EvaluationFolder(output, overwrite: outputs.force || resume)
    try folder.checkIsOf(request, overwrite: outputs.force)
    if marks {
      let text = "the folder that \(Ranks.host) gave the mark \(UInt64.random(in: 0 ... .max))"
      try writeAtomically(unsafe Array(text.utf8).span.bytes, to: mark, overwrite: true)
    }
    return folder
  }

  /// What shows ranks that they see the same folder.
  private var mark: FilePath { output.appending(".ranks") }

  /// Refuses ranks that see another folder than the first one, for experts and pictures are passed on in it.
  private func checkIsShared(_ ranks: Ranks?) throws {
    guard let ranks else { return }
    defer { if ranks.isFirst { removeEntry(mark) } }
    _ = try alike(ranks, {}) {
      let bytes = try? readWhole(mark, atMost: 1 << 12)
      return [
        RankFact("--output", bytes.map { String(decoding: $0, as: UTF8.self) } ?? "another folder")
      ]
    }
  }

  private func train(_ plan: AblationPlan, _ places: [Int]?) throws {
    let progress = ProgressLine("training", total: plan.stepCount(places), unit: .steps)
    let isDone = try plan.train(
      places, in: output, startsAnew: outputs.force && !resume,
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
