public import Adapters
public import ArgumentParser
public import CommandSupport
public import Drawing
internal import Schedules
public import SystemPackage

/// What draws, and how: model, adapters, schedule, guidance, size and seed.
public struct DrawingOptions: ParsableArguments {
  /// The model's folder.
  @Option(
    help: "The model's folder (model_index.json), or what glance-merge --phase both made of one.",
    completion: .directory)
  public var model: FilePath

  @Option(
    name: [.long, .customLong("negative-prompt")],
    help: "What not to draw; needs --cfg other than 1.")
  var negative: String?

  @Option(
    name: [.long, .customLong("lora")],
    help: ArgumentHelp(
      """
      Adapter or bundle; repeat for several. A strength is a number, strengths of blocks and modules, \
      double_blocks.0-7=0.5, or both, joined by commas.
      """, valueName: "[phase=]file[:strength]"))
  var adapter: [String] = []

  @OptionGroup var alpha: AssumedAlphaOption

  /// The schedules; a command that draws by one refuses more.
  @Option(
    help: ArgumentHelp(
      """
      teacher:N, a preset (\(SchedulePreset.all.map(\.name).joined(separator: ", "))) or sigmas \
      (1,0.98|0.88,0.02) (default: what the experts declare, else the model's own).
      """, valueName: "schedule"))
  public var schedule: [String] = []

  @Option(
    name: [.long, .customLong("cfg-scale")],
    help: """
      Classifier-free guidance scale; 1 is none, and half the passes (default: the schedule's, else \
      the model's: 1 for FLUX.1, 4 for Qwen-Image).
      """)
  var cfg: Double?

  @Option(help: "Guidance value of FLUX.1 (default: what the adapters were trained at, else 3.5).")
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      """
      Size of the pictures: 1024x768, 512 for a square, a ratio such as 3:2, or one of \
      \(PictureSizeRequest.presets.map(\.name).joined(separator: ", ")) (default: what the adapters were \
      made for, else the model).
      """, valueName: "size"), transform: PictureSizeRequest.init(parsing:))
  var size: PictureSizeRequest?

  /// Names the noise of the first picture.
  @Option(help: "Names the noise of the first picture (default: 0).")
  public var seed: UInt64?

  @Option(
    help: "Step as the published pipeline does: reference (Qwen-Image), ported-flux (FLUX.1).")
  var compat: DrawingRequest.Compatibility?

  @Option(
    help: "Padded length of T5's text, or the most tokens of Qwen's (default: the model's own).")
  var textTokens: Int?

  @Option(
    help: ArgumentHelp(
      """
      Use this checkpoint instead of the model's transformer; repeat for one for each phase, or give \
      a folder that holds both.
      """, valueName: "[phase=]file"), completion: .file())
  var transformer: [String] = []

  @Option(
    help: """
      Where the base of a transformer that is a difference is, when it is neither beside it nor the \
      model's own.
      """, completion: .file())
  var base: FilePath?

  /// Options that nobody gave.
  public init() {}

  /// Checks ranges.
  public func validate() throws {
    if let cfg, !(cfg.isFinite && cfg > 0) {
      throw ValidationError("--cfg: expected a number above 0, found \(cfg)")
    }
  }

  /// The options that say how something is drawn, as far as they are given.
  public var given: [String] {
    let all: [(String, Bool)] = [
      ("--adapter", !adapter.isEmpty), ("--schedule", !schedule.isEmpty), ("--seed", seed != nil),
      ("--size", size != nil), ("--cfg", cfg != nil), ("--negative", negative != nil),
      ("--guidance", guidance != nil), ("--compat", compat != nil),
      ("--text-tokens", textTokens != nil), ("--transformer", !transformer.isEmpty),
      ("--base", base != nil), ("--assume-alpha", alpha.assumeAlpha != nil),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// The settings of a picture that is drawn again; files that these options name are not looked for.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - hasImage: whether a picture to start from is given.
  ///   - hasNoise: whether noise is.
  /// - Returns: its settings.
  /// - Throws: what is wrong with the picture, or a file that it was drawn with is not found.
  public func settings(
    of picture: FilePath, hasImage: Bool, hasNoise: Bool
  ) throws -> DrawnSettings {
    try DrawnSettings(
      reading: picture, model: model,
      wanted: .init(
        adapters: adapter.isEmpty, transformers: transformer.isEmpty, image: !hasImage,
        seed: seed == nil && !hasNoise))
  }

  /// What is asked for, of some prompts.
  ///
  /// - Parameters:
  ///   - prompts: the prompts.
  ///   - drawn: what is taken where an option isn't given.
  /// - Returns: the request.
  /// - Throws: what an option's text can't mean.
  public func request(
    prompts: [String], as drawn: DrawnSettings? = nil
  ) throws -> DrawingRequest {
    var request = DrawingRequest(model: model, prompts: prompts, size: size ?? drawn?.size)
    request.negative = negative ?? drawn?.negative
    request.cfg = cfg ?? drawn?.cfg
    request.guidance = guidance ?? drawn?.guidance
    request.seed = seed ?? drawn?.seed ?? 0
    request.adapters =
      try adapter.isEmpty
      ? drawn?.adapters ?? [] : adapter.map { try .init(AdapterArgument($0)) }
    request.assumedAlpha = alpha.assumeAlpha ?? drawn?.assumedAlpha
    request.schedule = schedule.last
    request.redrawn = drawn?.schedule
    request.compatibility = compat ?? (schedule.isEmpty ? drawn?.compatibility : nil)
    request.textTokens = textTokens ?? drawn?.textTokens
    request.transformerBase = base
    request.transformers =
      try transformer.isEmpty
      ? drawn?.transformers ?? []
      : transformer.map { text in
        let argument = try PhaseFileArgument(text)
        return .init(file: argument.file, phase: argument.phase)
      }
    return request
  }
}

extension DrawingRequest.Compatibility: ExpressibleByArgument {}

extension DrawingRequest.AdapterRequest {
  /// An adapter as the command line names it.
  ///
  /// - Throws: when its strengths by block can't be meant.
  public init(_ argument: AdapterArgument) throws(BlockStrengthError) {
    self.init(file: argument.file, strength: argument.strength ?? 1, phase: argument.phase)
    blocks = try BlockStrengths(argument.blocks)
  }
}
