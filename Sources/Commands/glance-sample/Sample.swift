internal import ArgumentParser
internal import CommandSupport
internal import Compute
internal import Concurrency
internal import Drawing
internal import Files
internal import JSON
internal import OptionGroups
internal import Pictures
internal import Reports
internal import Schedules
internal import SystemPackage

@main
struct Sample: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-sample",
    abstract: "Draw pictures from text, with Glance's slow and fast experts in one run.",
    discussion: """
      The slow expert takes the early, noisy steps, the fast one the rest; phase and schedule come \
      from the files of the adapters, or of the checkpoints that they were baked into. Without \
      adapters the model draws alone.
      """,
    examples: [
      (
        "Draw with both experts in a bundle, in 10 steps",
        "glance-sample --model FLUX.1-dev --adapter cat.safetensors --prompt \"a cat\" --output cat.png"
      ),
      (
        "The teacher: the model alone in 50 steps",
        "glance-sample --model FLUX.1-dev --schedule teacher:50 --prompt \"a cat\" --output cat.png"
      ),
      (
        "What glance-merge --phase both baked, small, from seed 7",
        "glance-sample --model FLUX.1-dev-cat --size 512x512 --seed 7 --prompt \"a cat\" --output cat.png"
      ),
      (
        "The same from two baked checkpoints, and the model's other components",
        "glance-sample --model FLUX.1-dev --transformer slow=slow.safetensors --transformer fast=fast.safetensors --prompt \"a cat\" --output cat.png"
      ),
    ])

  @Option(help: "What to draw; repeat for several pictures.")
  var prompt: [String] = []

  @Option(help: "A file with a prompt on every line.", completion: .file())
  var prompts: FilePath?

  @OptionGroup var drawing: DrawingOptions

  @Option(help: "Pictures of every prompt, with seeds that follow each other.")
  var count = 1

  @Option(
    help: "Start from the noise in this file's tensor 'latents', one for each picture or for all.",
    completion: .file())
  var latents: FilePath?

  @Option(
    help: "Use the states in this file's tensors 'prompt_embeds' … instead of prompts.",
    completion: .file())
  var embeddings: FilePath?

  @Option(
    name: [.customShort("o"), .long], help: "Picture to write; several are numbered.",
    completion: .file(extensions: ["png"]))
  var output: FilePath

  @Option(
    help: "Also write the finished latents, which the pictures are decoded from, to this file.",
    completion: .file())
  var saveLatents: FilePath?

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  @OptionGroup var outputs: OutputOptions

  @OptionGroup(title: "Arithmetic") var arithmetic: ArithmeticOptions

  @OptionGroup(title: "Cache") var cache: CacheOptions

  @OptionGroup(title: "Common options") var common: CommonOptions

  mutating func validate() throws {
    guard embeddings != nil || !prompt.isEmpty || prompts != nil else {
      throw ValidationError("Give --prompt, --prompts or --embeddings.")
    }
    guard embeddings == nil || prompt.isEmpty && prompts == nil else {
      throw ValidationError("--embeddings stands for prompts: give it, or --prompt and --prompts.")
    }
    guard (1...10_000).contains(count) else {
      throw ValidationError("--count: expected 1 to 10000, found \(count)")
    }
    guard output.extension == "png" else {
      throw ValidationError("--output: expected a name that ends in .png, found '\(output)'")
    }
    if let saveLatents, !OutputName.isFile(saveLatents) {
      throw ValidationError(
        "--save-latents: expected a name that ends in .safetensors, found '\(saveLatents)'")
    }
  }

  static func prepare() {
    ProductKernels.settle()
    DeviceListing.answerIfAsked()
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    try arithmetic.apply(threads: common.threadCount)
    Terminal.detail(ProductKernels.account)
    var request = try self.request()
    request.cache = cache.open()
    let plan: DrawingPlan
    do { plan = try DrawingPlan(request) } catch { throw Misplacement.explained(error, request) }
    plan.tellNotes()
    let files = SampleOutput(path: output, count: plan.pictureCount, overwrite: outputs.force)
    if outputs.dryRun {
      return try Terminal.output(
        json ? try plan.json(dryRunTo: files.all).text(.pretty) + "\n" : try plan.text(to: files))
    }
    var record = DrawingRecord(plan)
    try files.check(also: saveLatents)
    let progress = ProgressLine(
      "drawing", total: files.count * plan.walk.steps.count, unit: .steps)
    var latents: [Tensor] = []
    let start = ContinuousClock.now
    if common.verbose { ProductMeter.start() }
    try plan.draw { event in
      try Interruption.check()
      switch event {
      case .note(let note): Terminal.warn(note)
      case .encoded(let kept, let all):
        Terminal.detail("\(kept) of \(Readable.count(all, "text")) were encoded by an earlier run")
      case .steps(let done): progress.update(done)
      case .drawn(let drawn):
        try files.write(drawn, settings: record.add(drawn, file: files.file(drawn.index)))
        latents.append(drawn.latent)
      }
    }
    progress.finish()
    if common.verbose {
      let products = ProductMeter.reading
      Terminal.tellProducts(
        seconds: products.seconds, operations: products.operations,
        of: ContinuousClock.now - start)
    }
    if let saveLatents {
      try files.write(latents, settings: record.settingsOfLatents, to: saveLatents)
    }
    try printResult(json: record.json, text: SampleReport(record: record).text)
  }

  private func request() throws -> DrawingRequest {
    var texts = prompt
    if let prompts { texts += try PromptFile.lines(of: prompts) }
    var request = try drawing.request(prompts: texts)
    request.picturesPerPrompt = count
    request.latents = latents
    request.embeddings = embeddings
    return request
  }
}
