public import Adapters
public import Caching
public import SystemPackage

/// What a person asks of the sampler; nil stands for what the adapters declare, else for what the
/// model's family does.
public struct DrawingRequest: Sendable {
  /// A sampler whose mistakes are reproduced.
  public enum Compatibility: String, Sendable, CaseIterable {
    /// The published pipelines of Qwen-Image.
    case reference
    /// The same walk on FLUX.1, for which nothing was published; it leaves noise.
    case portedFlux = "ported-flux"
  }

  /// An adapter or bundle to use.
  public struct AdapterRequest: Sendable {
    /// The file.
    public var file: FilePath
    /// Multiplies its scale.
    public var strength: Double
    /// Strengths of some modules, which multiply that one.
    public var blocks = BlockStrengths()
    /// The phase in which it acts, instead of the one that the file declares.
    public var phase: String?
    /// Whether the phase is that of a picture which is drawn again, where another schedule may lack it.
    public var isPhaseRecorded = false

    /// An adapter at a strength.
    public init(file: FilePath, strength: Double = 1, phase: String? = nil) {
      self.file = file
      self.strength = strength
      self.phase = phase
    }
  }

  /// A transformer to use instead of the pipeline's own.
  public struct TransformerRequest: Sendable {
    /// A checkpoint, or a folder with baked experts.
    public var file: FilePath
    /// The phase whose steps it takes, instead of the one that it declares.
    public var phase: String?

    /// A transformer for all steps, or for a phase's.
    public init(file: FilePath, phase: String? = nil) {
      self.file = file
      self.phase = phase
    }
  }

  /// A picture of some that are listed.
  public struct Pick: Sendable, Equatable {
    /// Its prompt, counted from 0.
    public var prompt: Int
    /// Names its noise.
    public var seed: UInt64

    /// A picture of a prompt.
    public init(prompt: Int, seed: UInt64) {
      self.prompt = prompt
      self.seed = seed
    }
  }

  /// The pipeline's folder, or one with a pipeline for each phase.
  public var model: FilePath
  /// One picture for each and every seed.
  public var prompts: [String]
  /// The negative prompt.
  public var negative: String?
  /// Classifier-free guidance scale.
  public var cfg: Double?
  /// Guidance value.
  public var guidance: Double?
  /// How large pictures are; nil: as the adapters were made for, else the model.
  public var size: PictureSizeRequest?
  /// Names the noise of the first picture of every prompt.
  public var seed: UInt64 = 0
  /// Pictures of every prompt, with seeds that follow each other.
  public var picturesPerPrompt = 1
  /// The pictures to draw, instead of `picturesPerPrompt` of every prompt from `seed` on.
  public var picks: [Pick]?
  /// Adapters and bundles.
  public var adapters: [AdapterRequest] = []
  /// Multiplies the strength of every adapter.
  public var strength = 1.0
  /// The alpha to take where an adapter says none; nil means alpha = rank.
  public var assumedAlpha: Double?
  /// As `--schedule` takes it.
  public var schedule: String?
  /// Where `schedule` is nil: the schedule of a picture that is drawn again.
  public var redrawn: DrawnSchedule?
  /// A sampler whose mistakes are reproduced.
  public var compatibility: Compatibility?
  /// Length that captions are padded to or cut at.
  public var textTokens: Int?
  /// A picture to start from, under noise.
  public var image: StartingPicture?
  /// Noise to start from.
  public var latents: FilePath?
  /// Encoded prompts to use instead of texts.
  public var embeddings: FilePath?
  /// Checkpoints to use instead of the pipeline's transformer, such as baked ones: one for all steps,
  /// or one for each phase.
  public var transformers: [TransformerRequest] = []
  /// What a transformer that is a difference was made from, where it isn't beside it or the model's own.
  public var transformerBase: FilePath?
  /// Where prompts' states are kept for other runs; nil: nowhere.
  public var cache: ContentCache?

  /// A request for pictures of a size; nil: the usual one.
  public init(model: FilePath, prompts: [String], size: PictureSizeRequest? = nil) {
    self.model = model
    self.prompts = prompts
    self.size = size
  }

  /// A request for pictures of so many pixels, multiples of 16.
  public init(model: FilePath, prompts: [String], width: Int, height: Int) {
    self.init(model: model, prompts: prompts, size: .pixels(width: width, height: height))
  }
}
