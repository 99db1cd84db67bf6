internal import Adapters
internal import Checkpoints
internal import Compute
public import Elements
internal import Failures
internal import JSON
internal import Pipelines
public import Schedules
public import SystemPackage
internal import Tensors
public import Training

/// Where and how experts are written.
public struct ExpertOutput: Sendable {
  /// The folder, which is made when it isn't there.
  public var folder: FilePath
  /// Files are `NAME-slow.safetensors` and so on.
  public var name: String
  /// Element type of the factors: F32 or BF16.
  public var dtype = DType.f32
  /// Whether existing files may be replaced.
  public var overwrite = false
  /// Whether saved states are continued.
  public var resumes = false
  /// Steps between saved states; 0 saves when the run ends or is interrupted only.
  public var saveEvery = 0
  /// Whether states are kept when all experts are written, so that a later run can take more steps.
  public var keepsStates = false
  /// Whether a log is written: `NAME.jsonl`, and what the caller makes of it.
  public var isLogged = false
  /// Pictures that are drawn on the way.
  public var previews: PreviewRequest?
  /// Whether the published, defective form is written.
  public var isLegacy = false
  /// Title in the metadata; nil: the name.
  public var title: String?

  /// Output into a folder.
  public init(folder: FilePath, name: String) {
    self.folder = folder
    self.name = name
  }

  /// The file of a phase's expert.
  public func file(_ phase: Phase) -> FilePath {
    folder.appending("\(name)-\(phase).safetensors")
  }

  /// The folder of a phase's saved states.
  public func states(_ phase: Phase) -> StateFolder {
    StateFolder(folder.appending("\(name)-\(phase).state"))
  }

  /// A file beside the experts, such as a log.
  public func companion(_ suffix: String) -> FilePath { folder.appending(name + suffix) }
}

extension ExpertPlan {
  /// Writes an expert with everything that is known of it.
  func write(
    _ state: TrainingState, phase: Phase, to output: ExpertOutput, sampleDigest: String,
    baseDigest: String
  ) throws {
    let adapter = state.adapter
    let modules = adapter.modules.map { module in
      AdapterModule(
        path: module.name,
        down: TensorView(
          name: module.name + ".down", shape: module.down.shape, module.down.floats),
        up: TensorView(name: module.name + ".up", shape: module.up.shape, module.up.floats),
        scale: Double(adapter.scale) * settings.strength)
    }
    var specification = ModelSpecification(
      title: output.title ?? "\(output.name) (\(phase))", resolution: (width, height))
    if let range = schedule.sigmaRange(of: phase) {
      specification.timestepRange =
        Int((range.lowerBound * 1000).rounded())...Int((range.upperBound * 1000).rounded())
    }
    var own = glanceMetadata(phase, output, sampleDigest: sampleDigest, baseDigest: baseDigest)
    own.arithmetic = state.arithmetic.joined(separator: "; ")
    let metadata = specification.pairs(family: architecture.family) + own.pairs
    var options = AdapterWritingOptions()
    options.dtype = output.dtype
    options.form = output.isLegacy ? .published : .diffusers
    options.base = architecture
    options.overwrite = output.overwrite || output.resumes
    let file = Adapter(family: architecture.family, modules: modules, metadata: metadata)
    try file.write(to: output.file(phase), options)
  }

  /// The guidance value that experts are meant to be drawn at, nil for models that take none: the one they
  /// are trained at, but the model's usual one where pictures are learnt as usual.
  public var drawingGuidance: Double? {
    guard pipeline.defaults.training.guidance != nil else { return nil }
    let learnsAsUsual =
      !settings.objective.asksTeacher
      && settings.guidance == pipeline.defaults.training.pictureGuidance
    return learnsAsUsual ? pipeline.defaults.sampling.guidance : settings.guidance
  }

  private func glanceMetadata(
    _ phase: Phase, _ output: ExpertOutput, sampleDigest: String, baseDigest: String
  ) -> GlanceMetadata {
    var metadata = GlanceMetadata()
    metadata.family = architecture.family.name
    metadata.phase = phase.name
    metadata.sigmas = schedule.text
    metadata.boundary = schedule.boundarySigma.map { Double($0) }
    metadata.teacherSteps = schedule.teacher?.sigmas.count
    let indices = schedule.phases.map { phase in
      schedule.entries[schedule.indices(of: phase)].compactMap(\.teacherStep)
    }
    metadata.indices = schedule.teacher == nil ? nil : indices
    metadata.imageSize = .init(width: width, height: height)
    metadata.imageTokens = imageTokens
    metadata.mu = schedule.teacher?.mu
    metadata.shiftTerminal = pipeline.scheduler.shiftTerminal
    metadata.cfg = settings.drawingCFG
    metadata.guidance = drawingGuidance
    metadata.alphaOriginal = settings.alpha
    metadata.objective = settings.objective.name
    metadata.compat = settings.followsPublishedArithmetic ? "reference" : "none"
    if case .preset(let preset) = request.schedule.recipe { metadata.preset = preset.name }
    metadata.targets = request.targets
    metadata.steps = settings.steps
    metadata.seed = settings.seed
    metadata.settings = JSONValue.object(decidingSettings(output)).text()
    metadata.baseSHA256 = baseDigest
    metadata.sampleSHA256 = sampleDigest
    metadata.toolkit = "glance \(toolkitVersion)"
    return metadata
  }
}
