public import Autoencoders
public import Checkpoints
public import DiffusionTransformers
internal import ModelLoading
public import Schedules
public import SystemPackage
internal import Tensors

/// A transformer with its weights at hand.
public struct OpenedTransformer: Sendable {
  /// The model.
  public let transformer: any DiffusionTransformer
  /// Names a tensor that holds NaN or infinity; reads everything.
  public let firstNotFinite: @Sendable () -> String?
}

/// A model's folder: which family it is, its scheduler, and its components, opened when they are
/// asked for. A component lives as long as the caller keeps it, so that a text encoder's memory is
/// given back before the transformer runs.
public struct DiffusionPipeline: Sendable {
  /// The folder.
  public let folder: PipelineFolder
  /// What the family does when nobody says otherwise.
  public let defaults: PipelineDefaults
  /// The scheduler's settings.
  public let scheduler: SchedulerConfiguration
  private let family: any PipelineFamily

  /// The most tokens of a caption.
  static let largestTextLength = 4096

  private static let families: [any PipelineFamily] = [FluxFamily(), QwenImageFamily()]

  /// Reads the folder's index and the scheduler's configuration; opens no weights.
  public init(opening path: FilePath) throws {
    folder = try PipelineFolder(opening: path)
    let className = folder.className
    guard let defaults = PipelineDefaults.of(className: className),
      let family = Self.families.first(where: { $0.name == defaults.family })
    else {
      throw PipelineError.unknownPipeline(
        folder: path, className: className, known: PipelineDefaults.all.map(\.className))
    }
    self.defaults = defaults
    self.family = family
    let configuration = try folder.schedulerConfiguration()
    scheduler = try SchedulerConfiguration(
      configuration.json, file: configuration.file.string)
  }

  /// The component whose states of tokens the transformer is told.
  var statesComponent: String { family.statesComponent }

  /// Whether classifier-free guidance keeps the norm of the positive prediction.
  public var guidanceKeepsNorm: Bool { family.guidanceKeepsNorm }

  /// Opens the transformer; its weights stay mapped.
  public func openTransformer() throws -> OpenedTransformer {
    try open(try folder.files(of: "transformer"))
  }

  /// Opens another transformer of the same family, such as a baked one, in the diffusers layout: a
  /// component folder, or a file that takes the pipeline's own configuration.
  public func openTransformer(from path: FilePath) throws -> OpenedTransformer {
    let own = try folder.files(of: "transformer").configuration
    let input = try CheckpointInput(opening: path)
    try input.source.checkNothingAttached()
    try input.description.weights.requirePlain(in: path)
    try input.source.makeWhole()
    return try open(
      ComponentFiles(
        configuration: own, weights: WeightLoader(file: path, tensors: input.source.tensors)))
  }

  private func open(_ files: ComponentFiles) throws -> OpenedTransformer {
    OpenedTransformer(
      transformer: try family.makeTransformer(files),
      firstNotFinite: { files.weights.firstNotFinite() })
  }

  /// Opens the autoencoder.
  public func openAutoencoder() throws -> any Autoencoder {
    let files = try folder.files(of: "vae")
    return try family.makeAutoencoder(files)
  }

  /// Opens tokenizers and text encoders.
  ///
  /// - Parameter textTokens: length that captions are padded to (FLUX.1) or cut at (Qwen-Image);
  ///   nil: what the model's files say.
  /// - Returns: the encoder.
  /// - Throws: what is missing or wrong in the components' files.
  public func openCaptionEncoder(textTokens: Int? = nil) throws
    -> any CaptionEncoder
  {
    if let textTokens, !(1...Self.largestTextLength).contains(textTokens) {
      throw PipelineError.invalid(
        option: "--text-tokens", expected: "a number from 1 to \(Self.largestTextLength)",
        found: "\(textTokens)")
    }
    return try family.makeCaptionEncoder(folder, defaults: defaults, textTokens: textTokens)
  }
}
