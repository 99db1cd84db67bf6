public import Adapters
public import Autoencoders
internal import Checkpoints
public import Compute
public import DiffusionTransformers
public import Pipelines
internal import Sampling
public import Schedules
internal import SystemPackage

/// What a request comes to: the walk, guidance, adapters and pictures, resolved from the request,
/// the transformers, the adapters and the model, in this order. Reads headers, and given states of prompts.
public struct DrawingPlan: Sendable {
  /// The request.
  public let request: DrawingRequest
  /// The model's folder.
  public let pipeline: DiffusionPipeline
  /// How large the pictures are.
  public let size: ChosenSize
  /// The schedule, before any published mistakes: what is left of ``wholeSchedule`` where a picture is the start.
  public let schedule: PhaseSchedule
  /// All of the schedule.
  let wholeSchedule: PhaseSchedule
  /// How the picture to start from is used.
  let start: PictureStart?
  /// What the sampler executes.
  public let walk: Walk
  /// Classifier-free guidance scale.
  public let cfg: Double
  /// Guidance value for models that take one.
  public let guidance: Double?
  /// Negative prompt; used when the scale isn't 1.
  public let negative: String
  /// The transformers, one for all steps or one for each phase.
  public let transformers: [AppliedTransformer]
  /// The same without what adapters change in them.
  let baseTransformers: [AppliedTransformer]
  /// The adapters that serve a phase of the schedule.
  public let adapters: [AppliedAdapter]
  /// Pictures to draw.
  public let pictureCount: Int
  /// What to tell the person.
  public let notes: [String]
  /// What to tell the person of each adapter's file, such as what its scale was taken from.
  public let adapterNotes: [(source: String, note: AdapterNote)]
  /// Given states of prompts.
  let embeddings: EncodedPrompts?
  /// Given noise.
  let noise: NoiseFile?

  /// The files that it draws with, opened.
  let inputs: DrawingInputs

  /// Resolves a request.
  public init(_ request: DrawingRequest) throws {
    try self.init(request, like: nil)
  }

  /// Resolves a request; files are those of another plan, whose request names the same.
  init(_ request: DrawingRequest, like other: DrawingPlan?) throws {
    self.request = request
    inputs = try other?.inputs ?? DrawingInputs(request)
    let (choice, candidates) = (inputs.choice, inputs.candidates)
    pipeline = choice.pipeline
    let defaults = pipeline.defaults.sampling
    adapterNotes = inputs.adapterNotes
    let declarations = try choice.declarations + candidates.map { try $0.declaration }
    let usualSize = try ChosenSize(
      request.size,
      declared: declarations.compactMap { source, metadata in
        metadata.imageSize.map { (source, (width: $0.width, height: $0.height)) }
      }, model: try pipeline.usualSize)
    size = try usualSize.orThat(of: request)
    let grid = TokenGrid(pictureWidth: size.width, height: size.height)
    let asked = request.schedule ?? request.redrawn?.text(for: size)
    let declared = try DeclaredSchedule(
      declarations, configuration: pipeline.scheduler, tokens: grid.count,
      isReplaced: asked != nil)
    let recipe = try ScheduleRecipe(parsing: asked ?? defaults.schedule)
    var notes = [pipeline.warning(about: recipe, option: "--schedule")].compactMap(\.self)
    if asked == nil, let declared {
      wholeSchedule = declared.schedule
      if declared.isRecomputed {
        notes.append("the declared schedule is computed anew for this size")
      }
    } else {
      wholeSchedule = try ScheduleRequest(recipe).schedule(
        configuration: pipeline.scheduler, tokens: grid.count)
      let family = pipeline.defaults.family
      if asked == nil {
        notes += candidates.compactMap {
          $0.wantedPreset(insteadOf: defaults.schedule, family: family)
        }
      }
    }
    if let image = request.image {
      let resolved = try PictureStart.resolve(image, wholeSchedule)
      (schedule, start) = (resolved.schedule, resolved.start)
    } else {
      (schedule, start) = (wholeSchedule, nil)
    }
    let presetCFG: Double? =
      if asked != nil, case .preset(let preset) = recipe { preset.cfg } else { nil }
    cfg = try Self.checked(request.cfg, else: presetCFG ?? declared?.cfg ?? defaults.cfg)
    negative = request.negative ?? defaults.negative
    let (transformers, transformerNotes) = try choice.applied(
      to: schedule, of: wholeSchedule, like: other)
    notes += choice.notes + transformerNotes
    let applied = try candidates.applied(
      to: schedule, of: wholeSchedule, transformers, strength: request.strength)
    adapters = applied.adapters
    notes += applied.notes
    baseTransformers = transformers
    self.transformers = try transformers.merging(
      applied.adapters, phases: schedule.phases, of: pipeline)
    walk = try Self.walk(request, schedule, pipeline, tokens: grid.count)

    let transformer = transformers[0].model.transformer
    let takesGuidance = transformer.takesGuidance && defaults.guidance != nil
    guidance =
      takesGuidance
      ? try Self.checkedGuidance(request.guidance ?? declared?.guidance ?? defaults.guidance) : nil
    for applied in adapters {
      try ExpertSet.check(applied.adapter, source: applied.file.string, model: transformer)
    }
    let cfg = cfg
    embeddings = try request.embeddings.map {
      try EncodedPrompts(reading: $0, for: transformer, cfg: cfg)
    }
    noise = try request.latents.map {
      try NoiseFile(opening: $0, channels: transformer.tokenChannels / 4, grid: grid)
    }
    pictureCount = try request.pictureCount(
      prompts: embeddings?.prompts.count ?? request.prompts.count, noises: noise?.count)
    self.notes =
      notes
      + request.idleOptions(
        cfg: cfg, takesGuidance: takesGuidance, startsFromPictures: noise?.isFinished == true,
        renoises: schedule.rule == .renoise,
        changesEncoders: EncoderChanges(applied.adapters).merge != nil)
  }

  private static func checked(_ cfg: Double?, else other: Double) throws -> Double {
    let value = cfg ?? other
    guard value > 0, value <= 1000 else {
      throw DrawingError.invalid(
        source: cfg == nil ? "the declared guidance scale 'glance.cfg'" : "--cfg",
        expected: "a number above 0 and up to 1000", found: "\(value)")
    }
    return value
  }

  private static func checkedGuidance(_ value: Double?) throws -> Double? {
    guard let value, !(0...1000).contains(value) else { return value }
    throw DrawingError.invalid(
      source: "--guidance", expected: "a number from 0 to 1000", found: "\(value)")
  }

  private static func walk(
    _ request: DrawingRequest, _ schedule: PhaseSchedule, _ pipeline: DiffusionPipeline,
    tokens: Int
  ) throws -> Walk {
    guard let compatibility = request.compatibility else { return schedule.walk }
    guard request.image == nil else {
      throw DrawingError.invalid(
        source: "--compat", expected: "pictures that start from noise alone",
        found: "a picture to start from")
    }
    let expected: DrawingRequest.Compatibility =
      pipeline.defaults.sampling.guidance == nil ? .reference : .portedFlux
    guard compatibility == expected else {
      throw DrawingError.invalid(
        source: "--compat", expected: "\(expected.rawValue) for this model",
        found: compatibility.rawValue)
    }
    return try schedule.publishedWalk(configuration: pipeline.scheduler, tokens: tokens)
  }

  /// What a forward pass takes, with the longest of the prompts, and what is kept of all prompts.
  public func pass() throws -> PassForecast {
    PassForecast(
      model: transformer, grid: grid, textTokens: try textTokenCount(),
      prompts: (embeddings?.prompts.count ?? request.prompts.count) + (cfg == 1 ? 0 : 1),
      keptConditionings: keptConditionings)
  }

  /// Where the transformers' weights are while a device computes; nil where the host does. The device is made ready.
  ///
  /// - Throws: when not even a part of them fits into its memory.
  public func residency() throws -> Residency? {
    guard TransformerEngine.isChosen else { return nil }
    let autoencoder = try pipeline.openAutoencoder(for: transformer)
    let coding =
      [autoencoder.decodingForecast] + (start == nil ? [] : [autoencoder.encodingForecast])
    return try TransformerEngine.current.admit(
      PassLayers(transformers.map { $0.model.transformer.passLayers }),
      beside: try pass().byteCount,
      coding: coding.map { $0(size.height, size.width).deviceByteCount }.max() ?? 0)
  }

  /// How many conditionings' modulation a transformer keeps: those of one prompt, if there are more pictures
  /// than one and they are few enough to be found again.
  var keptConditionings: Int {
    let negatives = cfg == 1 || transformer.pooledChannels == nil ? 0 : 1
    let count = walk.steps.count * (1 + negatives)
    return pictureCount > 1 && count <= 32 ? count : 1
  }

  /// Bytes that drawing takes at its peak beside the mapped weights and the adapters: the larger of a
  /// forward pass and decoding. Text encoders are given back before.
  ///
  /// - Parameters:
  ///   - pass: what ``pass()`` says, which reads the tokenizers.
  ///   - decoding: what ``decoding()`` says.
  /// - Returns: bytes.
  public func peakByteCount(with pass: PassForecast, _ decoding: CodingForecast) -> Int {
    max(pass.byteCount, decoding.byteCount)
  }

  /// What decoding a picture takes.
  ///
  /// - Throws: what is wrong with the autoencoder's files.
  public func decoding() throws -> CodingForecast {
    try pipeline.openAutoencoder(for: transformer)
      .decodingForecast(height: size.height, width: size.width)
  }

  /// The transformer that stands for all where only sizes matter.
  var transformer: any DiffusionTransformer { transformers[0].model.transformer }

  /// Rows and columns of tokens.
  var grid: TokenGrid { TokenGrid(pictureWidth: size.width, height: size.height) }

  /// Forward passes of one picture.
  public var passesPerPicture: Int { walk.steps.count * (cfg == 1 ? 1 : 2) }
}
