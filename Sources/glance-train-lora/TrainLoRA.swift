import ArgumentParser
import CommandSupport
import Compute
import ExpertTraining
import Pipelines
import ProductTiming
import Schedules
import SystemPackage
import Tensors
import Training

@main
struct TrainLoRA: ToolCommand {
  static let configuration = CommandConfiguration(
    tool: "glance-train-lora",
    abstract: "Train Glance's slow and fast experts from one picture and its caption.",
    discussion: """
      The slow expert sees the early, noisy timesteps of the teacher's schedule, the fast one the \
      later ones; both are LoRA adapters in diffusers' form. The same inputs give the same bytes, \
      for any number of threads; a run that was stopped continues with --resume.
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
    ])

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Schedule") var grid: GridOptions
  @OptionGroup(title: "Optimisation") var optimisation: OptimisationOptions
  @OptionGroup(title: "Output") var results: ResultOptions
  @OptionGroup var outputs: OutputOptions
  @OptionGroup(title: "Common options") var common: CommonOptions

  static func commandLine() throws -> [String]? {
    try ConfigurationFile.expand(Array(CommandLine.arguments.dropFirst()))
  }

  func execute() throws {
    Parallel.useThreads(common.threadCount)
    let plan = try ExpertPlan(request())
    for note in plan.notes { Terminal.warn(note) }
    if outputs.dryRun { return try Terminal.output(TrainingText.plan(plan, output())) }
    Terminal.detail(TrainingText.plan(plan, output()))
    if results.legacyFile {
      Terminal.warn(
        "--legacy-file writes the published form: without alpha, so that loaders apply a quarter "
          + "of the trained strength or another share, and partly under names that they overlook")
    }
    if plan.settings.guidance != plan.pipeline.defaults.sampling.guidance ?? plan.settings.guidance
    {
      Terminal.note("trained at guidance \(plan.settings.guidance), which the file tells samplers")
    }
    let record = TrainingRecord(plan: plan, output: output(), isOn: results.log)
    let meter = TrainingProgress(plan)
    let configuration = ConfigurationFile.text(of: self, plan: plan)
    let timing = ProductTiming(isOn: common.verbose)
    let experts = try Interruption.cooperating {
      try plan.train(to: output(), shouldStop: { Interruption.isRequested }) { event in
        meter.show(event)
        try record.take(event)
        if case .began = event {
          try ConfigurationFile.save(configuration, to: output())
        }
      }
    }
    meter.finish()
    timing.tell()
    if Interruption.isRequested {
      Terminal.note("stopped; the state is saved: go on with --resume")
      try Interruption.check()
    }
    try record.finish(experts)
    if common.verbosity != .quiet { try Terminal.output(TrainingText.summary(experts, plan)) }
  }

  func output() -> ExpertOutput {
    var output = ExpertOutput(folder: results.output, name: results.name)
    output.dtype = results.adapterDtype == .bf16 ? .bf16 : .f32
    output.overwrite = outputs.force
    output.resumes = results.resume
    output.saveEvery = results.saveEvery
    output.isLegacy = results.legacyFile
    output.title = results.title
    return output
  }

  private func request() throws -> ExpertRequest {
    var request = ExpertRequest(
      model: data.model, samples: try data.samples(), schedule: try grid.schedule())
    request.phases = try grid.phases()
    request.targets = optimisation.targets
    request.rank = optimisation.rank
    request.alpha = optimisation.alpha
    request.steps = optimisation.steps
    request.batch = optimisation.batch
    request.learningRate = optimisation.lr
    request.warmupSteps = optimisation.warmup
    request.optimiser.beta1 = optimisation.beta1
    request.optimiser.beta2 = optimisation.beta2
    request.optimiser.epsilon = optimisation.eps
    request.weightDecay = optimisation.weightDecay
    request.clip = optimisation.clip
    request.captionDropout = optimisation.captionDropout
    request.guidance = optimisation.guidance
    request.seed = optimisation.seed
    request.size = data.resolution.map { ($0.width, $0.height) }
    request.textTokens = data.textTokens
    request.followsPublishedCode = optimisation.compat == .reference
    request.memoryLimit = optimisation.memory?.count
    return request
  }
}
