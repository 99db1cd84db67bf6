internal import Adapters
internal import ArgumentParser
internal import CommandSupport
internal import Compute
internal import Concurrency
internal import Evaluation
internal import OptionGroups
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

  @OptionGroup(title: "What it is measured on") var measuring: EvaluationOptions

  @Option(
    name: [.customShort("o"), .long], help: "Folder for pictures, latents and reports.",
    completion: .directory)
  var output: FilePath

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
    var request = try measuring.request(model: model, arms: try arms.requests())
    request.cache = cache.open()
    let plan = try EvaluationPlan(request)
    plan.tellNotes()
    if outputs.dryRun { return try Terminal.output(plan.text) }
    let folder = try EvaluationFolder(output, overwrite: outputs.force)
    try folder.checkIsOf(request, overwrite: outputs.force)
    let results = try plan.measure(in: folder, gridPrompts: measuring.gridPrompts)
    try printResult(json: results.json, text: folder.summary(of: results))
  }
}
