public import Adapters
internal import Autoencoders
internal import Compute
internal import DiffusionTransformers
public import Pipelines
internal import Sampling
public import Schedules
internal import SystemPackage

/// What a request comes to: the walk, guidance and experts, resolved from the request, the
/// adapters and the model, in this order. Opens no weights but the adapters'.
public struct DrawingPlan: Sendable {
  /// The request.
  public let request: DrawingRequest
  /// The model's folder.
  public let pipeline: DiffusionPipeline
  /// The schedule, before any published mistakes.
  public let schedule: PhaseSchedule
  /// What the sampler executes.
  public let walk: Walk
  /// Classifier-free guidance scale.
  public let cfg: Double
  /// Guidance value for models that take one.
  public let guidance: Double?
  /// Negative prompt; used when the scale isn't 1.
  public let negative: String
  /// What to tell the person.
  public let notes: [String]
  /// What to tell the person of each adapter's file, such as what its scale was taken from.
  public let adapterNotes: [(source: String, note: AdapterNote)]
  /// Adapters with their phases, strengths and files.
  let experts: [(expert: Expert, strength: Double, source: String)]

  /// Resolves a request.
  public init(_ request: DrawingRequest) throws {
    self.request = request
    pipeline = try DiffusionPipeline(opening: request.model)
    var notes: [String] = []
    var experts: [(expert: Expert, strength: Double, source: String)] = []
    var declarations: [(source: String, metadata: GlanceMetadata)] = []
    var adapterNotes: [(source: String, note: AdapterNote)] = []
    for adapter in request.adapters {
      let input = try AdapterInput(opening: adapter.file, assumedAlpha: request.assumedAlpha)
      let source = adapter.file.string
      adapterNotes += input.notes().filter { !$0.isAboutOtherPrograms }.map { (source, $0) }
      for var expert in try input.experts() {
        declarations.append(
          (source, try GlanceMetadata(expert.adapter.metadata, file: adapter.file)))
        if let phase = adapter.phase { expert.phase = phase }
        experts.append((expert, adapter.strength, source))
      }
    }
    let defaults = pipeline.defaults.sampling
    let declared = try DeclaredSchedule(
      declarations, configuration: pipeline.scheduler, tokens: request.tokens)
    let recipe = try ScheduleRecipe(parsing: request.schedule ?? defaults.schedule)
    notes += [pipeline.warning(about: recipe, option: "--schedule")].compactMap(\.self)
    if request.schedule == nil, let declared {
      schedule = declared.schedule
      if declared.isRecomputed {
        notes.append("the adapters' schedule is computed anew for this size")
      }
    } else {
      schedule = try ScheduleRequest(recipe).schedule(
        configuration: pipeline.scheduler, tokens: request.tokens)
    }
    let presetCFG: Double? =
      if request.schedule != nil, case .preset(let preset) = recipe { preset.cfg } else { nil }
    cfg = request.cfg ?? presetCFG ?? declared?.cfg ?? defaults.cfg
    guidance = defaults.guidance.map { request.guidance ?? declared?.guidance ?? $0 }
    negative = request.negative ?? defaults.negative
    notes += try Self.check(request, cfg: cfg, schedule: schedule, experts: experts, pipeline)
    walk = try Self.walk(request, schedule, pipeline)
    self.experts = experts
    self.notes = notes
    self.adapterNotes = adapterNotes
  }

  private static func walk(
    _ request: DrawingRequest, _ schedule: PhaseSchedule, _ pipeline: DiffusionPipeline
  ) throws -> Walk {
    guard let compatibility = request.compatibility else { return schedule.walk }
    let expected: DrawingRequest.Compatibility =
      pipeline.defaults.sampling.guidance == nil ? .reference : .portedFlux
    guard compatibility == expected else {
      throw SamplingError.invalid(
        source: "--compat", expected: "\(expected.rawValue) for this model",
        found: compatibility.rawValue)
    }
    return try schedule.publishedWalk(configuration: pipeline.scheduler, tokens: request.tokens)
  }

  /// Notes for the person on what the request leaves out.
  private static func check(
    _ request: DrawingRequest, cfg: Double, schedule: PhaseSchedule,
    experts: [(expert: Expert, strength: Double, source: String)], _ pipeline: DiffusionPipeline
  ) throws(SamplingError) -> [String] {
    guard cfg.isFinite, cfg > 0 else {
      throw .invalid(source: "--cfg", expected: "a number above 0", found: "\(cfg)")
    }
    var notes: [String] = []
    let phases = schedule.phases.map(\.name)
    for (expert, _, source) in experts {
      if let phase = expert.phase, !phases.contains(phase) {
        notes.append(
          "\(source): its phase '\(phase)' has no step in this schedule "
            + "(\(phases.joined(separator: ", "))): it is not used")
      }
    }
    let served = Set(experts.compactMap(\.expert.phase))
    if !served.isEmpty, experts.allSatisfy({ $0.expert.phase != nil }) {
      for phase in phases where !served.contains(phase) {
        notes.append("no adapter for phase '\(phase)': the base model takes its steps alone")
      }
    }
    if request.guidance != nil, pipeline.defaults.sampling.guidance == nil {
      notes.append("this model takes no guidance value: --guidance does nothing; see --cfg")
    }
    return notes
  }

  /// Bytes that drawing takes at its peak beside the mapped weights, estimated from the model's
  /// shapes: the larger of a forward pass (some 24 tensors of the tokens' width are alive in a
  /// block) and decoding. Text encoders are given back before.
  public func peakByteCount() throws -> Int {
    let layers = try pipeline.openTransformer().transformer.linearLayers
    let width = layers.first?.weight.rows ?? 0
    let pass = 4 * 24 * width * (request.tokens + (request.textTokens ?? 512))
    return max(
      pass,
      try pipeline.openAutoencoder().decodingByteCount(
        height: request.height, width: request.width))
  }

  /// Pictures to draw.
  public var pictureCount: Int { request.prompts.count * request.picturesPerPrompt }
  /// Forward passes of one picture.
  public var passesPerPicture: Int { walk.steps.count * (cfg == 1 ? 1 : 2) }
}
