internal import Adapters
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

/// `glance-eval run`.
struct Run: ToolCommand {
  static let configuration = CommandConfiguration(
    verb: "run",
    abstract: "Draw prompts in several ways and measure the pictures.",
    discussion: """
      The teacher, the model alone in many steps, is always drawn, and the plain model at the forward \
      passes of every other way: in evenly spread steps and in that way's own. Noise is the same in all. \
      Figures come with 95 % intervals over prompts and seeds. What is there already is not drawn again.
      """,
    examples: [
      (
        "Two experts against the plain model",
        "glance-eval run --model FLUX.1-dev --adapter cat.safetensors --prompts prompts.txt --output out"
      ),
      (
        "Two ways on the shipped model, with its world's checker",
        "glance-eval run --model models/tiny-flux --prompts models/world/heldout_prompts.json --prompt-limit 64 --size 96x96 --arm \"one: adapter=a.safetensors\" --arm \"plain: schedule=glance-1+1\" --output out"
      ),
    ])

  @Option(help: "The model's folder (model_index.json).", completion: .directory)
  var model: FilePath

  @OptionGroup(title: "What is compared") var arms: ArmOptions

  @Option(
    help: "Prompts: a text with one on every line, or JSON with captions and labels.",
    completion: .file(extensions: ["txt", "json"]))
  var prompts: FilePath

  @Option(help: "Take so many of the first prompts (default: all).")
  var promptLimit: Int?

  @Option(help: "Pictures of every prompt, with seeds that follow each other.")
  var seeds = 1

  @Option(help: "Names the noise of the first picture of every prompt.")
  var seed: UInt64 = 0

  @Option(help: "Size of the pictures (default: 1024x1024).", transform: PictureSize.init(parsing:))
  var size = PictureSize(width: 1024, height: 1024)

  @Option(help: "Steps of the teacher.")
  var teacherSteps = 50

  @Option(
    help: """
      The network that tells attributes of the shipped models' world (default: checker.safetensors \
      beside prompts with labels).
      """, completion: .file(extensions: ["safetensors"]))
  var checker: FilePath?

  @Option(help: "How often prompts and seeds are drawn anew for intervals; 0 for none.")
  var resamples = 10_000

  @Option(
    help: "Padded length of T5's text, or the most tokens of Qwen's (default: the model's own).")
  var textTokens: Int?

  @Option(
    name: [.customShort("o"), .long], help: "Folder for pictures, latents and reports.",
    completion: .directory)
  var output: FilePath

  @Option(help: "Prompts whose pictures are on the page.")
  var gridPrompts = 8

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    for (option, value, range) in [
      ("--prompt-limit", promptLimit ?? 1, 1...1_000_000), ("--seeds", seeds, 1...10_000),
      ("--teacher-steps", teacherSteps, 1...1000), ("--resamples", resamples, 0...1_000_000),
      ("--grid-prompts", gridPrompts, 0...1000),
    ] where !range.contains(value) {
      throw ValidationError(
        "\(option): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
    }
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    arithmetic.apply()
    Terminal.detail(ProductKernels.account)
    let plan = try EvaluationPlan(try request())
    for note in plan.notes { Terminal.warn(note) }
    for (source, note) in plan.adapterNotes {
      Terminal.warn("\(source): " + note.sentence(sayingAlpha: AssumedAlphaOption.advice))
    }
    if outputs.dryRun { return try Terminal.output(plan.text) }
    let folder = try EvaluationFolder(output, overwrite: outputs.force)
    let progress = ProgressLine(
      "evaluating", total: plan.passCount, unit: .items(plural: "passes", singular: "pass"))
    let results = try plan.run(in: output) { event in
      switch event {
      case .note(let note): Terminal.warn(note)
      case .arm(let name, let drawn):
        Terminal.detail("\(name): \(drawn) of \(plan.picturesPerArm) pictures are there")
      case .passes(let done): progress.update(done)
      }
    }
    progress.finish()
    try folder.write(results, gridPrompts: gridPrompts)
    try printResult(
      json: results.json,
      text: ResultsText(results).summary + "\nThe page is \(folder.page.string)\n")
  }

  private func request() throws -> EvaluationRequest {
    let list = try PromptList(reading: prompts, limit: promptLimit)
    var request = EvaluationRequest(
      model: model, arms: try arms.requests(), prompts: list.prompts, width: size.width,
      height: size.height)
    request.seeds = seeds
    request.seed = seed
    request.teacherSteps = teacherSteps
    request.resamples = resamples
    request.textTokens = textTokens
    let beside = prompts.removingLastComponent().appending("checker.safetensors")
    request.checker = checker ?? (beside.isRegularFile ? beside : nil)
    return request
  }
}
