public import Autoencoders
public import Checkpoints
public import DiffusionTransformers
internal import ModelLoading
internal import Safetensors
public import Schedules
public import SystemPackage

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
  public init(opening path: FilePath) throws(PipelineError) {
    do { folder = try PipelineFolder(opening: path) } catch { throw .checkpoint(error) }
    let className = folder.className
    guard let defaults = PipelineDefaults.of(className: className),
      let family = Self.families.first(where: { $0.name == defaults.family })
    else {
      throw .unknownPipeline(
        folder: path, className: className, known: PipelineDefaults.all.map(\.className))
    }
    self.defaults = defaults
    self.family = family
    let configuration: Configuration
    do { configuration = try folder.schedulerConfiguration() } catch { throw .checkpoint(error) }
    do {
      scheduler = try SchedulerConfiguration(
        configuration.json, file: configuration.file.string)
    } catch { throw .schedule(error) }
  }

  /// The component whose states of tokens the transformer is told.
  var statesComponent: String { family.statesComponent }

  /// Whether classifier-free guidance keeps the norm of the positive prediction.
  public var guidanceKeepsNorm: Bool { family.guidanceKeepsNorm }

  /// Opens the transformer; its weights stay mapped.
  public func openTransformer() throws(PipelineError) -> OpenedTransformer {
    try open(try folder.files(of: "transformer"))
  }

  /// Opens another transformer of the same family, such as a baked one, in the diffusers layout: a
  /// component folder, or a file that takes the pipeline's own configuration.
  public func openTransformer(from path: FilePath) throws(PipelineError) -> OpenedTransformer {
    let own = try folder.files(of: "transformer").configuration
    let input: CheckpointInput
    do {
      input = try CheckpointInput(opening: path)
      try input.source.checkNothingAttached()
      try input.description.weights.requirePlain(in: path)
      try input.source.makeWhole()
    } catch { throw .checkpoint(error) }
    return try open(
      ComponentFiles(
        configuration: own, weights: WeightLoader(file: path, tensors: input.source.tensors)))
  }

  private func open(_ files: ComponentFiles) throws(PipelineError) -> OpenedTransformer {
    do {
      return OpenedTransformer(
        transformer: try family.makeTransformer(files),
        firstNotFinite: { files.weights.firstNotFinite() })
    } catch { throw .model(error) }
  }

  /// Opens the autoencoder.
  public func openAutoencoder() throws(PipelineError) -> any Autoencoder {
    let files = try folder.files(of: "vae")
    do { return try family.makeAutoencoder(files) } catch { throw .model(error) }
  }

  /// Opens tokenizers and text encoders.
  ///
  /// - Parameter textTokens: length that captions are padded to (FLUX.1) or cut at (Qwen-Image);
  ///   nil: what the model's files say.
  /// - Returns: the encoder.
  /// - Throws: what is missing or wrong in the components' files.
  public func openCaptionEncoder(textTokens: Int? = nil) throws(PipelineError)
    -> any CaptionEncoder
  {
    if let textTokens, !(1...Self.largestTextLength).contains(textTokens) {
      throw .invalid(
        option: "--text-tokens", expected: "a number from 1 to \(Self.largestTextLength)",
        found: "\(textTokens)")
    }
    return try family.makeCaptionEncoder(folder, defaults: defaults, textTokens: textTokens)
  }
}
