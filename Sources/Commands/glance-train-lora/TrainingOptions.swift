internal import Adapters
internal import ArgumentParser
internal import CommandSupport
internal import ExpertTraining
internal import Schedules
internal import SystemPackage
internal import Training

/// What is trained on.
struct DataOptions: ParsableArguments {
  @Option(help: "The model's folder (model_index.json).", completion: .directory)
  var model: FilePath

  @Option(
    help: """
      Train for this checkpoint instead of the model's transformer: any layout, GGUF, scaled fp8, \
      compressed.
      """, completion: .file())
  var transformer: FilePath?

  @Option(
    help: """
      Where the base of a transformer that is a difference is, when it is neither beside it nor the \
      model's own.
      """, completion: .file())
  var base: FilePath?

  @Option(help: "A picture (PNG or JPEG).", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var image: FilePath?

  @Option(help: "What the picture shows; alone for --objective path, which needs no picture.")
  var caption: String?

  @Option(help: "A folder of x.png with x.txt, instead of one picture.", completion: .directory)
  var data: FilePath?

  @Option(
    help: "Size to train at (default: the first picture's, at most 1024 on its longer side).",
    transform: PictureSize.init(parsing:))
  var resolution: PictureSize?

  @Option(help: "Padded length of T5's text, or the most tokens of Qwen's.")
  var textTokens: Int?

  mutating func validate() throws {
    try TrainingLimit.textTokens.check(textTokens)
    switch (image, caption, data) {
    case (.some, .some, nil), (nil, .some, nil), (nil, nil, .some): break
    case (.some, nil, nil): throw ValidationError("--image needs a --caption.")
    case (nil, nil, nil): throw ValidationError("Give --image and --caption, or --data.")
    default: throw ValidationError("--data and --image exclude each other.")
    }
  }

  /// The samples, and what to tell of the folder that they are in.
  func samples() throws -> (samples: [SampleSource], warning: String?) {
    if let data {
      let folder = try SampleFolder(reading: data)
      return (folder.samples, folder.warning.map { "\(data): \($0)" })
    }
    guard let caption else { return ([], nil) }
    return ([SampleSource(image: image, caption: caption)], nil)
  }
}

/// Which timesteps are trained.
struct GridOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Expert to train: slow, fast, or another phase of the schedule; may be repeated "
        + "(default: both, all that the schedule has).", valueName: "phase"))
  var phase: [String] = []

  @Option(
    help: "Timesteps: glance-5+5, glance-3+5, another preset, teacher:N, or sigmas.")
  var preset = "glance-5+5"

  @Option(help: "Steps of the teacher's grid.")
  var teacherSteps: Int?

  @Option(help: "The slow phase's steps of that grid, counted from 0.")
  var slowSteps: String?

  @Option(help: "The fast phase's steps of that grid.")
  var fastSteps: String?

  @Option(help: "Where the phases are cut: step:10, sigma:0.9 or logsnr:-4.39.")
  var boundary: String?

  @Option(help: "Experts: slow-fast, single or uniform:K.")
  var partition: String?

  func schedule() throws -> ScheduleRequest {
    var request = ScheduleRequest(try ScheduleRecipe(parsing: preset, option: "--preset"))
    request.teacherSteps = teacherSteps
    request.slowSteps = try slowSteps.map { try StepList(parsing: $0, option: "--slow-steps") }
    request.fastSteps = try fastSteps.map { try StepList(parsing: $0, option: "--fast-steps") }
    request.boundary = try boundary.map { try PhaseBoundary(parsing: $0) }
    request.partition = try partition.map { try Partition(parsing: $0) }
    return request
  }

  func phases() throws -> [Phase]? {
    if phase.isEmpty || phase.contains("both") || phase.contains("all") { return nil }
    return try phase.map { name in
      guard let phase = Phase(name: name) else {
        throw ValidationError("--phase: expected slow, fast or both, found '\(name)'")
      }
      return phase
    }
  }
}

/// What the experts learn.
struct ObjectiveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      flow-matching: the line from noise to the picture, as published. interval[:K]: the frozen \
      teacher's mean velocity from the noised picture to the schedule's next timestep, in K \
      sub-steps (default: 5). path[:N]: that of N walks of its own from pure noise (default: 4).
      """, valueName: "objective"),
    transform: {
      try read(
        $0, as: "flow-matching, interval, interval:K, path or path:N", Objective.init(parsing:))
    })
  var objective = Objective.flowMatching

  @Option(
    help: ArgumentHelp(
      """
      How much the loss at a timestep counts: none (alike), sigma, min-snr:G, or numbers joined by \
      commas, one a step of the schedule; the mean over an expert's timesteps is 1.
      """, valueName: "weighting"),
    transform: {
      try read(
        $0, as: "none, sigma, min-snr:G or numbers joined by commas", LossWeighting.init(parsing:))
    })
  var weighting = LossWeighting.none

  @Option(help: "Classifier-free guidance scale of the teacher (default: the family's).")
  var cfg: Double?

  @Flag(
    help: """
      Learn in one pass what the teacher's guidance comes to: the adapter is then drawn without, at \
      half the passes.
      """)
  var distillGuidance = false

  mutating func validate() throws { try TrainingLimit.cfg.check(cfg) }

  private static func read<Value>(
    _ text: String, as expected: String, _ parse: (String) -> Value?
  ) throws -> Value {
    guard let value = parse(text) else {
      throw ValidationError("expected \(expected), found '\(text)'")
    }
    return value
  }
}

/// How it is trained.
struct OptimisationOptions: ParsableArguments {
  enum Compatibility: String, ExpressibleByArgument, CaseIterable {
    case reference
  }

  @Option(help: "Rank of the adapter (default: the family's, 16 or 32).")
  var rank: Int?

  @Option(help: "Alpha; the scale is alpha / rank (default: 4 times the rank).")
  var alpha: Double?

  @Option(help: "Layers to adapt: reference, attention, all, or suffixes joined by commas.")
  var targets = "reference"

  @Option(help: "Optimiser steps of each expert (default: 60).")
  var steps: Int?

  @Option(help: "Items whose gradients are averaged in a step.")
  var batch = 1

  @Option(
    name: [.customLong("lr"), .customLong("learning-rate")],
    help: "Learning rate (default: the family's, 5e-4 or 3e-4).")
  var lr: Double?

  @Option(help: "Steps over which the learning rate rises from 0.")
  var warmup = 0

  @Option(help: "Decoupled weight decay (default: the family's, 0.01 or 0).")
  var weightDecay: Double?

  @Option(help: "Decay of the gradients' mean.") var beta1 = 0.9
  @Option(help: "Decay of the gradients' mean square.") var beta2 = 0.999
  @Option(help: "Added to the root of the mean square.") var eps = 1e-8

  @Option(help: "Largest norm of the gradients; 0 clips nothing.")
  var clip = 1.0

  @Option(help: "Share of captions replaced by the empty one (default: the family's, 0 or 0.1).")
  var captionDropout: Double?

  @Option(help: "Guidance value of FLUX.1, stored in the file (default: 3.5).")
  var guidance: Double?

  @Option(help: "Seed of the run.")
  var seed: UInt64 = 0

  @Option(
    help: "reference: the published code's arithmetic (bfloat16, random timesteps, guidance 1).")
  var compat: Compatibility?

  @Option(
    help: """
      Bytes that a step may take beside the weights, such as 8GB (default: what leaves room for \
      their pages, at most half of the memory).
      """,
    transform: ByteSize.init(parsing:))
  var memory: ByteSize?

  mutating func validate() throws {
    try TrainingLimit.rank.check(rank)
    try TrainingLimit.alpha.check(alpha)
    try TrainingLimit.steps.check(steps)
    try TrainingLimit.batch.check(batch)
    try TrainingLimit.lr.check(lr)
    try TrainingLimit.warmup.check(warmup)
    try TrainingLimit.weightDecay.check(weightDecay)
    try TrainingLimit.beta1.check(beta1)
    try TrainingLimit.beta2.check(beta2)
    try TrainingLimit.eps.check(eps)
    try TrainingLimit.clip.check(clip)
    try TrainingLimit.captionDropout.check(captionDropout)
    try TrainingLimit.guidance.check(guidance)
  }
}

/// What is written.
struct ResultOptions: ParsableArguments {
  enum FactorType: String, ExpressibleByArgument, CaseIterable {
    case f32
    case bf16
  }

  @Option(
    name: [.customShort("o"), .long],
    help: "Folder for NAME-slow.safetensors and the rest.", completion: .directory)
  var output: FilePath

  @Option(help: "What the files' names begin with.")
  var name = "glance"

  @Option(help: "Title in the adapters' metadata (default: name and phase).")
  var title: String?

  @Option(help: "Element type of the adapters.")
  var adapterDtype = FactorType.f32

  @Option(help: "Save the state every so many steps; 0: only at the end and on Ctrl-C, as always.")
  var saveEvery = 10

  @Flag(
    help: "Go on from the saved states of the same settings; --steps may be larger than before.")
  var resume = false

  @Flag(
    help: "Keep the states when all is trained, so that --resume can add steps without repeating.")
  var keepState = false

  @Flag(help: "Write NAME.csv, NAME.jsonl and NAME-report.html, at every save.")
  var log = false

  @Flag(help: "Write the published, defective form of the adapter file (for comparisons only).")
  var legacyFile = false

  @Option(
    help: "Take options from this JSON file, its paths seen from its folder; those given here win.",
    completion: .file())
  var config: FilePath?

  mutating func validate() throws {
    try TrainingLimit.saveEvery.check(saveEvery)
    guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
      throw ValidationError("--name: expected a file's name, found '\(name)'")
    }
  }
}
