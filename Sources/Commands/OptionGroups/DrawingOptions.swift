public import Adapters
public import ArgumentParser
public import CommandSupport
public import Drawing
internal import Schedules
internal import SystemPackage

/// What draws, and how: model, adapters, schedule, guidance, size and seed.
public struct DrawingOptions: ParsableArguments {
  @Option(
    help: "The model's folder (model_index.json), or what glance-merge --phase both made of one.",
    completion: .directory)
  var model: FilePath

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

  @Option(
    help: ArgumentHelp(
      """
      teacher:N, a preset (\(SchedulePreset.all.map(\.name).joined(separator: ", "))) or sigmas \
      (1,0.98|0.88,0.02) (default: what the experts declare, else the model's own).
      """, valueName: "schedule"))
  var schedule: String?

  @Option(
    name: [.long, .customLong("cfg-scale")],
    help: """
      Classifier-free guidance scale; 1 is none, and half the passes (default: the schedule's, else \
      the model's: 1 for FLUX.1, 4 for Qwen-Image).
      """)
  var cfg: Double?

  @Option(help: "Guidance value of FLUX.1 (default: what the adapters were trained at, else 3.5).")
  var guidance: Double?

  /// Size of the pictures.
  @Option(help: "Size of the pictures (default: 1024x1024).", transform: PictureSize.init(parsing:))
  public var size = PictureSize(width: 1024, height: 1024)

  /// Names the noise of the first picture.
  @Option(help: "Names the noise of the first picture.")
  public var seed: UInt64 = 0

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

  /// What is asked for, of some prompts.
  public func request(prompts: [String]) throws -> DrawingRequest {
    var request = DrawingRequest(
      model: model, prompts: prompts, width: size.width, height: size.height)
    request.negative = negative
    request.cfg = cfg
    request.guidance = guidance
    request.seed = seed
    request.adapters = try adapter.map {
      try DrawingRequest.AdapterRequest(AdapterArgument($0))
    }
    request.assumedAlpha = alpha.assumeAlpha
    request.schedule = schedule
    request.compatibility = compat
    request.textTokens = textTokens
    request.transformerBase = base
    request.transformers = try transformer.map { text in
      let argument = try PhaseFileArgument(text)
      return DrawingRequest.TransformerRequest(file: argument.file, phase: argument.phase)
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
