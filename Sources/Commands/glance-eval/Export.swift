internal import ArgumentParser
internal import CommandSupport
internal import Compute
internal import Concurrency
internal import DiffusionTransformers
internal import Drawing
internal import JSON
internal import OptionGroups
internal import PictureBenchmarks
internal import Reports
internal import Schedules
internal import SystemPackage

/// `glance-eval export`.
struct Export: ToolCommand {
  static let configuration = CommandConfiguration(
    verb: "export",
    abstract: "Draw a benchmark's pictures where its own scorer looks for them.",
    discussion: """
      Prompts are those of the benchmark's own file, which you download; scores come from its own \
      scorer, whose command is printed at the end, and go to glance-eval import. Each run draws one arm; \
      several share a folder under their names. Pictures that are there with the same settings are \
      kept, so that a run that was stopped goes on. docs/evaluation.md tells more.
      """,
    examples: [
      (
        "GenEval's pictures of the teacher and of both experts",
        "glance-eval export --bench geneval --prompts evaluation_metadata.jsonl --model FLUX.1-dev --schedule teacher:50 --name teacher --output geneval && glance-eval export --bench geneval --prompts evaluation_metadata.jsonl --model FLUX.1-dev --adapter cat.safetensors --name glance --output geneval"
      ),
      (
        "How long 100 of COCO's captions would take",
        "glance-eval export --bench coco --prompts captions_val2014.json --limit 100 --model FLUX.1-dev --schedule teacher:50 --name teacher --output coco --dry-run"
      ),
    ])

  @Option(
    help: ArgumentHelp(
      "\(BenchmarkLayout.all.map(\.name).joined(separator: ", ")).", valueName: "benchmark"),
    completion: .list(BenchmarkLayout.all.map(\.name)),
    transform: { name in
      guard let layout = BenchmarkLayout.named(name) else {
        throw ValidationError(
          "expected one of " + BenchmarkLayout.all.map(\.name).joined(separator: ", "))
      }
      return layout
    })
  var bench: BenchmarkLayout

  @Option(help: "The benchmark's prompts, the file or folder.", completion: .file())
  var prompts: FilePath

  @Option(help: "The name of what draws, such as teacher: pictures and scores have it.")
  var name: String

  @Option(help: "Draw this many prompts only, of every group if prompts have groups.")
  var limit: Int?

  @OptionGroup var drawing: DrawingOptions

  @Option(
    name: [.customShort("o"), .long], help: "Folder for the pictures of all arms.",
    completion: .directory)
  var output: FilePath

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    if let limit, limit < 1 {
      throw ValidationError("--limit: expected a number from 1, found \(limit)")
    }
    guard drawing.schedule.count < 2 else {
      throw ValidationError("--schedule: expected one, found \(drawing.schedule.count)")
    }
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    try arithmetic.apply(threads: common.threadCount)
    Terminal.detail(ProductKernels.account)
    let pictures = try PictureSet(
      bench, arm: name, folder: output, prompts: bench.prompts(in: prompts), limit: limit,
      seed: drawing.seed ?? 0)
    let request = try drawing.request(prompts: [])
    let source = DrawingSource(request)
    let plan: DrawingPlan
    do { plan = try source.plan(pictures.wanted.prefix(1)) } catch {
      throw Misplacement.explained(error, request)
    }
    if bench.isSquare, plan.size.width != plan.size.height {
      throw ValidationError(
        "--size: expected a square, which \(bench.title)'s scorer cuts, found "
          + "\(plan.size.width)x\(plan.size.height)")
    }
    plan.tellNotes()
    let writer = try PictureSetWriter(
      pictures, settings: plan.settings, overwrite: outputs.force)
    let missing = writer.missing
    let report = ExportReport(
      pictures: pictures, width: plan.size.width, drawnCount: missing.pictures.count,
      passesPerPicture: plan.passesPerPicture)
    if outputs.dryRun {
      let whole = missing.pictures.isEmpty ? plan : try source.plan(missing.pictures)
      let pass = try whole.pass()
      return try Terminal.output(
        json
          ? report.json(dryRunWith: pass).text(.pretty) + "\n" : report.text(dryRunWith: pass))
    }
    try draw(missing.pictures.count * plan.walk.steps.count, writer, source)
    try printResult(json: report.json, text: report.text)
  }

  private func draw(
    _ stepCount: Int, _ writer: PictureSetWriter, _ source: DrawingSource
  ) throws {
    let progress = ProgressLine("drawing", total: stepCount, unit: .steps)
    let telling = source.telling { event in
      try Interruption.check()
      switch event {
      case .note(let text): Terminal.warn(text)
      case .steps(let done): progress.update(done)
      }
    }
    try writer.write(from: telling) { _ in try Interruption.check() }
    progress.finish()
  }
}
