public import Autoencoders
public import Caching
public import Checkpoints
internal import Compression
public import DiffusionTransformers
internal import Files
public import JSON
internal import ModelLoading
public import Schedules
public import SystemPackage
internal import Tensors

/// A transformer with its weights at hand.
public struct OpenedTransformer: Sendable {
  /// The model.
  public let transformer: any DiffusionTransformer
  /// Where its weights come from.
  public let checkpoint: OpenedCheckpoint
  /// What they are.
  public let architecture: Architecture
  /// The values of its configuration.
  public let configuration: JSONObject
  /// Names a tensor that holds NaN or infinity; reads everything.
  public let firstNotFinite: @Sendable () -> String?
}

/// Merges adapters into a text encoder: its parameters with what they change, of a component that is open and
/// its name; nil where nothing changes.
public typealias EncoderMerge = (_ component: OpenedCheckpoint, _ name: String) throws ->
  StoredParameters?

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

  /// Opens the transformer, in whatever layout, container and form of storage; its weights stay where
  /// they are.
  ///
  /// - Parameters:
  ///   - path: another transformer of the same family, such as a baked one: a file, or a folder; nil
  ///     for the pipeline's own. One without config.json takes the keys that its tensors don't tell
  ///     from the pipeline's.
  ///   - base: what it was made from, where it is a difference; see ``checkpoint(at:base:)``.
  /// - Returns: the model, over weights that stay in their files.
  /// - Throws: what is wrong with the files, or that the tensors are not this family's.
  public func openTransformer(
    from path: FilePath? = nil, base: FilePath? = nil
  ) throws -> OpenedTransformer {
    let checkpoint =
      try path.map { try transformer(in: $0, base: base) } ?? folder.open("transformer", base: base)
    let architecture = try checkpoint.architecture()
    guard architecture.family.name == family.name else {
      let title = ModelFamily.named(defaults.family)?.title ?? defaults.family
      throw CheckpointError.notRecognised(
        file: checkpoint.path, expected: "a transformer of \(title)",
        found: "one of \(architecture.family.title)")
    }
    return try transformer(checkpoint, architecture, parameters: checkpoint.parameters())
  }

  /// The same transformer over other parameters, such as those with adapters merged into them.
  ///
  /// - Parameters:
  ///   - opened: a transformer of this pipeline's.
  ///   - parameters: as many, of the same names and shapes.
  /// - Returns: the model, over these.
  /// - Throws: what is wrong with them.
  package func transformer(
    _ opened: OpenedTransformer, over parameters: StoredParameters
  ) throws -> OpenedTransformer {
    try transformer(opened.checkpoint, opened.architecture, parameters: parameters)
  }

  private func transformer(
    _ checkpoint: OpenedCheckpoint, _ architecture: Architecture, parameters: StoredParameters
  ) throws -> OpenedTransformer {
    let files = ComponentFiles(
      configuration: try configuration(of: checkpoint, architecture),
      weights: WeightLoader(file: checkpoint.path, parameters))
    return OpenedTransformer(
      transformer: try family.makeTransformer(files), checkpoint: checkpoint,
      architecture: architecture, configuration: files.configuration.values,
      firstNotFinite: { files.weights.firstNotFinite() })
  }

  /// The configuration of a transformer: its own, else what its tensors tell, with the pipeline's keys
  /// for what they don't.
  private func configuration(
    of checkpoint: OpenedCheckpoint, _ architecture: Architecture
  ) throws -> ModelConfiguration {
    if let own = checkpoint.configuration {
      return try ModelConfiguration(own.json, file: own.file)
    }
    let known = try Configuration(in: folder.path.appending("transformer"))?.json.object
    return try ModelConfiguration(
      .object(architecture.configuration(keeping: known)), file: checkpoint.path)
  }

  /// Opens a checkpoint that a person names beside the pipeline.
  ///
  /// - Parameters:
  ///   - path: a file or folder.
  ///   - base: what it was made from, where it is a difference; nil: what is beside it, else the
  ///     pipeline's own transformer, if that is the one.
  /// - Returns: what it is.
  /// - Throws: when it can't be read, or a difference has no base.
  public func checkpoint(at path: FilePath, base: FilePath? = nil) throws -> OpenedCheckpoint {
    try OpenedCheckpoint(opening: path, base: base, orElse: try? folder.folder(of: "transformer"))
  }

  /// A transformer that a path names, also in an all-in-one file.
  private func transformer(in path: FilePath, base: FilePath?) throws -> OpenedCheckpoint {
    let checkpoint = try checkpoint(at: path, base: base)
    try checkpoint.source.checkNothingAttached()
    guard checkpoint.description.family == nil else { return checkpoint }
    return try checkpoint.component("transformer") ?? checkpoint
  }

  /// Opens the autoencoder.
  public func openAutoencoder() throws -> any Autoencoder {
    let files = try folder.files(of: "vae")
    return try family.makeAutoencoder(files)
  }

  /// Opens tokenizers and, unless states of captions are kept, text encoders.
  ///
  /// - Parameters:
  ///   - textTokens: length that captions are padded to (FLUX.1) or cut at (Qwen-Image); nil: what the
  ///     model's files say.
  ///   - cache: where states are kept.
  ///   - merge: gives the parameters of a text encoder with adapters merged into them; nil where they are
  ///     its own. States are not kept of text encoders that are changed.
  ///   - check: refuses states that can't be used.
  /// - Returns: the encoder.
  /// - Throws: what is missing or wrong in the components' files.
  public func openCaptionEncoder(
    textTokens: Int? = nil, cache: ContentCache? = nil, merging merge: EncoderMerge? = nil,
    check: @escaping (Conditioning) throws -> Void = { _ in }
  ) throws -> CaptionEncoder {
    let cache = merge == nil ? cache : nil
    if let textTokens, !(1...Self.largestTextLength).contains(textTokens) {
      throw PipelineError.invalid(
        option: "--text-tokens", expected: "a number from 1 to \(Self.largestTextLength)",
        found: "\(textTokens)")
    }
    let tokenizer = try family.makeCaptionTokenizer(
      folder, defaults: defaults, textTokens: textTokens)
    let encoder = CaptionEncoder(
      folder, tokenizer: tokenizer, cache: cache,
      open: { [family, folder] in
        try family.makeStatesEncoder { component in
          let opened = try folder.open(component)
          return try ComponentFiles(opened, parameters: merge?(opened, component))
        }
      }, check: check)
    if cache == nil { try encoder.prepare() }
    return encoder
  }
}
