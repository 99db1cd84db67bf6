internal import Autoencoders
public import Checkpoints
public import Compute
internal import DiffusionTransformers
internal import Failures
internal import Files
internal import Pictures
public import Pipelines
public import Schedules
internal import SystemPackage
internal import Tensors
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
  /// The noise levels of the teacher's own grid: the schedule's, else the family's.
  let teacherSigmas: [Float]
  /// The phases whose experts are trained.
  public let phases: [Phase]
  /// How each is trained.
  public let settings: TrainingSettings
  /// Width of the pictures in pixels.
  public let width: Int
  /// Height of the pictures in pixels.
  public let height: Int
  /// The pictures, in the order of the samples.
  public let pictures: [PlannedPicture]
  /// The modules that are adapted, in the model's order.
  public let modules: [Architecture.Module]
  /// Values that are trained, of one expert.
  public let parameterCount: Int
  /// What a step keeps in memory.
  public let memory: MemoryPlan
  /// Where the transformer's weights are while a device computes; nil where the host does.
  public let residency: Residency?
  /// What to tell the person.
  public let notes: [String]
  /// How many captions are encoded already.
  let keptCaptions: KeptResults.Share
  /// How many pictures are.
  let keptPictures: KeptResults.Share
  let architecture: Architecture
  let transformer: OpenedTransformer
  /// The transformer's files as they were when it was opened.
  let baseSnapshot: FileSnapshot?

  /// Resolves a request.
  public init(_ request: ExpertRequest) throws {
    self.request = request
    pipeline = try DiffusionPipeline(opening: request.model)
    guard !request.samples.isEmpty else {
      throw ExpertTrainingError.invalid(
        option: "--image", expected: "at least one picture", found: "none")
    }
    for sample in request.samples where sample.caption.allSatisfy(\.isWhitespace) {
      guard let image = sample.image else {
        throw ExpertTrainingError.invalid(
          option: "--caption", expected: "a caption", found: "an empty one")
      }
      throw ExpertTrainingError.badSample(
        file: image, detail: "expected a caption, found an empty one", kind: .wrongData)
    }
    let files = try request.images.map { try PictureFile(opening: $0) }
    guard
      request.samples.allSatisfy({ $0.image != nil }) || !request.objective.needsPictures
    else {
      throw ExpertTrainingError.invalid(
        option: "--image",
        expected: "a picture, which the objective '\(request.objective.name)' needs",
        found: "none")
    }
    guard let size = request.size ?? files.first.map({ Self.size($0) }) else {
      throw ExpertTrainingError.invalid(
        option: "--resolution", expected: "a size, where there is no picture", found: "none")
    }
    (width, height) = size
    pictures = files.map { PlannedPicture($0, trainedAt: size) }
    var notes =
      [pipeline.warning(about: request.schedule.recipe, option: "--preset")].compactMap(\.self)
      + pictures.flatMap { $0.warnings(trainedAt: size, isAsked: request.size != nil) }
    let grid = TokenGrid(pictureWidth: width, height: height)
    schedule = try request.schedule.schedule(
      configuration: pipeline.scheduler, tokens: grid.count)
    guard schedule.rule == .euler else {
      throw ExpertTrainingError.invalid(
        option: "--preset", expected: "a schedule of Euler steps, which experts are trained for",
        found: "'\(request.schedule.recipe)', which goes back under new noise")
    }
    teacherSigmas =
      try schedule.teacher?.sigmas
      ?? ScheduleRequest(.init(parsing: pipeline.defaults.sampling.schedule)).schedule(
        configuration: pipeline.scheduler, tokens: grid.count
      ).sigmas
    let all = schedule.phases
    phases = request.phases.map { asked in all.filter { asked.contains($0) } } ?? all
    for phase in request.phases ?? [] where !all.contains(phase) {
      throw ExpertTrainingError.invalid(
        option: "--phase",
        expected: all.map(\.name).joined(separator: " or ") + ", the phases "
          + "of this schedule", found: phase.name)
    }
    let asked = try Self.settings(request, pipeline)
    transformer = try pipeline.openTransformer(
      from: request.transformer, base: request.transformerBase)
    baseSnapshot = FileSnapshot(of: Self.files(of: transformer))
    architecture = transformer.architecture
    modules = try Self.modules(request.targets, architecture)
    parameterCount = modules.reduce(0) {
      $0 + asked.rank * (($1.outFeatures ?? 0) + ($1.inFeatures ?? 0))
    }
    let model = transformer.transformer
    let targets = Self.layers(of: modules, model)
    let encoder = try pipeline.openCaptionEncoder(
      for: model, textTokens: request.textTokens, cache: request.cache)
    let captions = try request.samples.map { try encoder.tokenCount(of: $0.caption) }
    let (textTokens, samples) = (captions.max() ?? 0, captions.count)
    keptCaptions = try KeptResults.Share(
      Self.texts(of: request, pipeline, asked), where: encoder.isKept)
    // What is wrong with the encoders' files shows before a long run.
    if !keptCaptions.isWhole { try encoder.prepare() }
    let pictureEncoder = pipeline.pictureEncoder(for: model, cache: request.cache)
    keptPictures = try KeptResults.Share(request.images) {
      [cache = request.cache] in
      try cache != nil && pictureEncoder.isKept(Picture(reading: $0, size))
    }
    let entries = phases.map { [schedule] in schedule.indices(of: $0).count }.max() ?? 0
    let encoding =
      keptPictures.isWhole
      ? nil
      : try pictureEncoder.autoencoder().encodingForecast(height: size.height, width: size.width)
    let engine = TransformerEngine.current
    let limits = [request.memoryLimit, engine.freeByteCount(beside: model.passLayers)]
    let otherExperts = request.phasesAtOnce ? phases.count - 1 : 0
    memory = MemoryPlan(
      blockCount: model.blockCount,
      encodingBytes: encoding?.byteCount ?? 0,
      limit: limits.compactMap(\.self).min()
        ?? MemoryPlan.limit(besideWeights: transformer.checkpoint.source.byteCount)
    ) { count in
      var planned = asked
      planned.recomputedBlockCount = count
      return StepForecast(
        model: model, targets: targets, settings: planned, grid: grid, textTokens: textTokens,
        samples: samples, entries: entries, otherExperts: otherExperts)
    }
    if let limit = request.memoryLimit, memory.step.byteCount > limit {
      notes.append(
        "a step takes \(memory.step.byteCount) bytes, more than the \(limit) that it may: more blocks computed "
          + "again would hardly change that")
    }
    self.notes = notes
    residency = try engine.admit(
      model.passLayers, beside: memory.step.byteCount, coding: encoding?.deviceByteCount ?? 0)
    var planned = asked
    planned.recomputedBlockCount = memory.recomputedBlockCount
    settings = planned
  }

  /// The layers of some modules, in the model's order.
  static func layers(
    of modules: [Architecture.Module], _ model: any DiffusionTransformer
  ) -> [LinearLayer] {
    let paths = Set(modules.map(\.path))
    return model.linearLayers.filter { paths.contains($0.name) }
  }

  /// The size of a picture, at most 1024 pixels on its longer side, both sides cut to multiples of 16.
  private static func size(_ file: PictureFile) -> (width: Int, height: Int) {
    let (width, height) = file.uprightSize
    let factor = min(1, 1024 / Double(max(width, height)))
    func side(_ pixels: Int) -> Int { max(16, Int(Double(pixels) * factor) / 16 * 16) }
    return (side(width), side(height))
  }

  private static func settings(
    _ request: ExpertRequest, _ pipeline: DiffusionPipeline
  ) throws -> TrainingSettings {
    let defaults = pipeline.defaults.training
    var settings = TrainingSettings()
    try request.checkObjective()
    settings.objective = request.objective
    settings.weighting = request.weighting
    settings.cfg = request.cfg ?? pipeline.defaults.sampling.cfg
    settings.guidanceKeepsNorm = pipeline.guidanceKeepsNorm
    settings.foldsGuidance = request.foldsGuidance
    guard !request.foldsGuidance || settings.cfg != 1 else {
      throw ExpertTrainingError.invalid(
        option: "--distill-guidance",
        expected: "a teacher with classifier-free guidance, which --cfg sets", found: "--cfg 1")
    }
    settings.steps = request.steps ?? defaults.steps
    settings.batch = request.batch
    settings.rank = request.rank ?? defaults.rank
    settings.alpha =
      request.alpha
      ?? (request.rank.map { defaults.alpha * Double($0) / Double(defaults.rank) }
        ?? defaults.alpha)
    settings.strength = request.strength
    settings.learningRate = LearningRate(
      peak: request.learningRate ?? defaults.learningRate, warmupSteps: request.warmupSteps)
    settings.optimiser = request.optimiser
    settings.optimiser.weightDecay = request.weightDecay ?? defaults.weightDecay
    settings.clip = request.clip == 0 ? nil : request.clip
    // A teacher's targets for a dropped caption would teach the negative prompt's own course.
    settings.captionDropout =
      request.captionDropout ?? (request.objective.asksTeacher ? 0 : defaults.captionDropout)
    // A guided model's velocity at another value than 1 is not the one towards the picture: taught that it is,
    // the model unlearns its guidance. A teacher is asked at the value that is drawn at.
    let guidance =
      request.objective.asksTeacher
      ? defaults.guidance : defaults.pictureGuidance
    settings.guidance = request.guidance ?? guidance ?? 1
    settings.seed = request.seed
    settings.followsPublishedArithmetic = request.followsPublishedCode
    try settings.checkLimits()
    try TrainingLimit.clip.check(request.clip)
    try TrainingLimit.textTokens.check(request.textTokens)
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
  public var imageTokens: Int { TokenGrid(pictureWidth: width, height: height).count }
}

extension KeptResults.Share {
  /// Those of some for which a test holds.
  fileprivate init<Element>(
    _ elements: [Element], where isKept: (Element) throws -> Bool
  ) rethrows {
    self.init(kept: try elements.count(where: isKept), all: elements.count)
  }
}
