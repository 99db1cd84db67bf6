internal import Autoencoders
internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import JSON
internal import ModelLoading
internal import SystemPackage
internal import Tensors
internal import TextEncoders
internal import Tokenizers

/// How the components of one family are made, and the one habit of its sampler that is its own.
/// All else that differs between families is data in `formats/`.
protocol PipelineFamily: Sendable {
  /// The family's name in `formats/`.
  var name: String { get }
  /// Whether classifier-free guidance keeps the norm of the positive prediction, token by token.
  var guidanceKeepsNorm: Bool { get }
  /// The component whose states of tokens the transformer is told.
  var statesComponent: String { get }

  func makeTransformer(_ files: ComponentFiles) throws(ModelError) -> any DiffusionTransformer
  func makeAutoencoder(_ files: ComponentFiles) throws(ModelError) -> any Autoencoder
  func makeCaptionTokenizer(
    _ folder: PipelineFolder, defaults: PipelineDefaults, textTokens: Int?
  ) throws -> any CaptionTokenizer
  /// Makes the text encoders of files, which are asked for by the names of the components.
  func makeStatesEncoder(_ files: (String) throws -> ComponentFiles) throws -> any StatesEncoder
}

/// Configuration and weights of a component, ready for a model to be built from.
struct ComponentFiles: Sendable {
  let configuration: ModelConfiguration
  let weights: WeightLoader

  init(configuration: ModelConfiguration, weights: WeightLoader) {
    self.configuration = configuration
    self.weights = weights
  }

  /// Those of a folder with config.json.
  ///
  /// - Parameters:
  ///   - component: the folder, opened.
  ///   - parameters: what to build from instead of its own, such as those with adapters merged into them.
  /// - Throws: what is wrong with its files.
  init(_ component: OpenedCheckpoint, parameters: StoredParameters? = nil) throws {
    if let lacking = component.description.component?.lackingToCompute {
      throw CheckpointError.notRecognised(
        file: component.path, expected: "\(lacking) as well", found: component.description.title)
    }
    let file = component.path.appending("config.json")
    let found = try component.configuration ?? Configuration(reading: file)
    configuration = try ModelConfiguration(found.json, file: file)
    weights = WeightLoader(
      file: component.path, try parameters ?? component.parameters())
  }
}

/// FLUX.1.
struct FluxFamily: PipelineFamily {
  let name = "flux1"
  let guidanceKeepsNorm = false
  let statesComponent = FluxCaptions.t5

  func makeTransformer(_ files: ComponentFiles) throws(ModelError) -> any DiffusionTransformer {
    try FluxTransformer(configuration: files.configuration, weights: files.weights)
  }

  func makeAutoencoder(_ files: ComponentFiles) throws(ModelError) -> any Autoencoder {
    try FluxAutoencoder(configuration: files.configuration, weights: files.weights)
  }

  func makeCaptionTokenizer(
    _ folder: PipelineFolder, defaults: PipelineDefaults, textTokens: Int?
  ) throws -> any CaptionTokenizer {
    let clipFolder = try folder.folderPath(of: "tokenizer")
    let t5Folder = try folder.folderPath(of: "tokenizer_2")
    let (clip, t5) = (try CLIPTokenizer(folder: clipFolder), try T5Tokenizer(folder: t5Folder))
    return FluxCaptions.Tokenizer(
      clip: clip, clipTokens: try Self.paddedLength(clip.modelMaximumLength ?? 77, clipFolder),
      t5: t5,
      textTokens: try Self.paddedLength(textTokens ?? t5.modelMaximumLength ?? 512, t5Folder))
  }

  func makeStatesEncoder(_ files: (String) throws -> ComponentFiles) throws -> any StatesEncoder {
    let (clip, t5) = (try files(FluxCaptions.clip), try files(FluxCaptions.t5))
    return FluxCaptions.Encoder(
      clip: try CLIPTextEncoder(configuration: clip.configuration, weights: clip.weights),
      t5: try T5Encoder(configuration: t5.configuration, weights: t5.weights))
  }

  /// A length that captions are padded to, which costs as many tokens whatever the caption is.
  private static func paddedLength(
    _ length: Int, _ folder: FilePath
  ) throws(TokenizerError) -> Int {
    guard length <= DiffusionPipeline.largestTextLength else {
      throw .malformed(
        file: folder,
        detail: "model_max_length: expected at most \(DiffusionPipeline.largestTextLength) tokens "
          + "to pad captions to, found \(length)")
    }
    return length
  }
}

/// Qwen-Image.
struct QwenImageFamily: PipelineFamily {
  let name = "qwen-image"
  let guidanceKeepsNorm = true
  let statesComponent = QwenImageCaptions.component

  func makeTransformer(_ files: ComponentFiles) throws(ModelError) -> any DiffusionTransformer {
    try QwenImageTransformer(configuration: files.configuration, weights: files.weights)
  }

  func makeAutoencoder(_ files: ComponentFiles) throws(ModelError) -> any Autoencoder {
    try QwenImageAutoencoder(configuration: files.configuration, weights: files.weights)
  }

  func makeCaptionTokenizer(
    _ folder: PipelineFolder, defaults: PipelineDefaults, textTokens: Int?
  ) throws -> any CaptionTokenizer {
    let tokenizerFolder = try folder.folderPath(of: "tokenizer")
    return QwenImageCaptions.Tokenizer(
      try Qwen2Tokenizer(folder: tokenizerFolder), folder: tokenizerFolder,
      template: defaults.template ?? "{}",
      textTokens: textTokens ?? defaults.maximumTokens ?? 1024)
  }

  func makeStatesEncoder(_ files: (String) throws -> ComponentFiles) throws -> any StatesEncoder {
    let text = try files(QwenImageCaptions.component)
    return QwenImageCaptions.Encoder(
      encoder: try Qwen25TextEncoder(configuration: text.configuration, weights: text.weights))
  }
}

extension PipelineFolder {
  /// Opens a component for a model to be built from.
  func files(of component: String) throws -> ComponentFiles {
    try ComponentFiles(open(component))
  }

  /// The folder of a component without weights.
  func folderPath(of component: String) throws -> FilePath {
    try folder(of: component)
  }

  /// The files that decide what a component computes: its weights and its configuration.
  func modelFiles(of component: String) throws -> [FilePath] {
    let opened = try open(component)
    return opened.source.files + [opened.path.appending("config.json")]
  }
}
