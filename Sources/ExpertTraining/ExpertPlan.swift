internal import Adapters
public import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Failures
internal import JSON
internal import Pictures
public import Pipelines
public import Schedules
internal import SystemPackage
public import Training

/// What a request comes to: schedule, settings and targets, resolved from the request and the
/// model. Reads the pictures' headers and the transformer's, no weights.
public struct ExpertPlan: Sendable {
  /// The request.
  public let request: ExpertRequest
  /// The model's folder.
  public let pipeline: DiffusionPipeline
  /// The whole schedule.
  public let schedule: PhaseSchedule
  /// The phases whose experts are trained.
  public let phases: [Phase]
  /// How each is trained.
  public let settings: TrainingSettings
  /// Width of the pictures in pixels.
  public let width: Int
  /// Height of the pictures in pixels.
  public let height: Int
  /// The modules that are adapted, in the model's order.
  public let modules: [Architecture.Module]
  /// Values that are trained, of one expert.
  public let parameterCount: Int
  /// What a step keeps in memory.
  public let memory: MemoryPlan
  /// What to tell the person.
  public let notes: [String]
  let architecture: Architecture
  let transformer: OpenedTransformer

  /// Resolves a request.
  public init(_ request: ExpertRequest) throws {
    self.request = request
    pipeline = try DiffusionPipeline(opening: request.model)
    guard !request.samples.isEmpty else {
      throw ExpertTrainingError.invalid(
        option: "--image", expected: "at least one picture", found: "none")
    }
    for sample in request.samples where sample.caption.allSatisfy(\.isWhitespace) {
      throw ExpertTrainingError.badSample(
        file: sample.image, detail: "expected a caption, found an empty one", kind: .wrongData)
    }
    notes = [pipeline.warning(about: request.schedule.recipe, option: "--preset")]
      .compactMap(\.self)
    (width, height) = try Self.size(request)
    let tokens = width / 16 * (height / 16)
    schedule = try request.schedule.schedule(
      configuration: pipeline.scheduler, tokens: tokens)
    let all = schedule.phases
    phases = request.phases ?? all
    for phase in phases where !all.contains(phase) {
      throw ExpertTrainingError.invalid(
        option: "--phase",
        expected: all.map(\.name).joined(separator: " or ") + ", the phases "
          + "of this schedule", found: phase.name)
    }
    let settings = try Self.settings(request, pipeline.defaults.training)
    transformer = try pipeline.openTransformer()
    architecture = try pipeline.folder.open("transformer").architecture()
    modules = try Self.modules(request.targets, architecture)
    parameterCount = modules.reduce(0) {
      $0 + settings.rank * (($1.outFeatures ?? 0) + ($1.inFeatures ?? 0))
    }
    memory = MemoryPlan(
      transformer: transformer.transformer,
      blockCount: architecture.dimensions.blockNumbers.values.reduce(0) { $0 + $1.count },
      tokens: tokens + (request.textTokens ?? 512), parameterCount: parameterCount,
      limit: request.memoryLimit)
    self.settings = Self.settings(settings, keepsActivations: memory.keepsActivations)
  }

  private static func settings(
    _ settings: TrainingSettings, keepsActivations: Bool
  ) -> TrainingSettings {
    var settings = settings
    settings.keepsActivations = keepsActivations
    return settings
  }

  /// The size asked for, else that of the first picture, at most 1024 pixels on its longer side,
  /// both sides cut to multiples of 16.
  private static func size(_ request: ExpertRequest) throws -> (width: Int, height: Int) {
    if let size = request.size { return size }
    let file = try PictureFile(opening: request.samples[0].image)
    // EXIF orientations from 5 on turn the picture by a quarter.
    let isTurned = file.orientation.rawValue >= 5
    let (width, height) =
      isTurned ? (file.height, file.width) : (file.width, file.height)
    let factor = min(1, 1024 / Double(max(width, height)))
    func side(_ pixels: Int) -> Int { max(16, Int(Double(pixels) * factor) / 16 * 16) }
    return (side(width), side(height))
  }

  private static func settings(
    _ request: ExpertRequest, _ defaults: PipelineDefaults.Training
  ) throws(ExpertTrainingError) -> TrainingSettings {
    func check(_ option: String, _ value: Double, _ range: ClosedRange<Double>)
      throws(ExpertTrainingError)
    {
      guard value.isFinite, range.contains(value) else {
        throw .invalid(
          option: option, expected: "a number from \(range.lowerBound) to \(range.upperBound)",
          found: "\(value)")
      }
    }
    var settings = TrainingSettings()
    settings.steps = request.steps ?? defaults.steps
    settings.batch = request.batch
    settings.rank = request.rank ?? defaults.rank
    settings.alpha =
      request.alpha
      ?? (request.rank.map { defaults.alpha * Double($0) / Double(defaults.rank) }
        ?? defaults.alpha)
    settings.learningRate = LearningRate(
      peak: request.learningRate ?? defaults.learningRate, warmupSteps: request.warmupSteps)
    settings.optimiser = request.optimiser
    settings.optimiser.weightDecay = request.weightDecay ?? defaults.weightDecay
    settings.clip = request.clip == 0 ? nil : request.clip
    settings.captionDropout = request.captionDropout ?? defaults.captionDropout
    let guidance =
      request.followsPublishedCode
      ? defaults.publishedGuidance ?? defaults.guidance : defaults.guidance
    settings.guidance = request.guidance ?? guidance ?? 1
    settings.seed = request.seed
    settings.followsPublishedArithmetic = request.followsPublishedCode
    try check("--steps", Double(settings.steps), 1...10_000_000)
    try check("--batch", Double(settings.batch), 1...4096)
    try check("--rank", Double(settings.rank), 1...4096)
    try check("--alpha", settings.alpha, 1e-6...1e9)
    try check("--lr", settings.learningRate.peak, 0...1e3)
    try check("--warmup", Double(request.warmupSteps), 0...10_000_000)
    try check("--weight-decay", settings.optimiser.weightDecay, 0...1e3)
    try check("--beta1", settings.optimiser.beta1, 0...0.999_999)
    try check("--beta2", settings.optimiser.beta2, 0...0.999_999_9)
    try check("--eps", settings.optimiser.epsilon, 1e-30...1)
    try check("--clip", request.clip, 0...1e9)
    try check("--caption-dropout", settings.captionDropout, 0...1)
    try check("--guidance", settings.guidance, 0...1e3)
    return settings
  }

  private static func modules(
    _ targets: String, _ architecture: Architecture
  ) throws -> [Architecture.Module] {
    if let modules = try architecture.modules(ofTargetPreset: targets) { return modules }
    return try architecture.modules(
      matching: targets.split(separator: ",").map { target in
        String(target.drop(while: \.isWhitespace))
      })
  }

  /// Packed image tokens of a picture.
  public var imageTokens: Int { width / 16 * (height / 16) }
}
