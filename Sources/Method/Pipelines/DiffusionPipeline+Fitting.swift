public import Autoencoders
public import Caching
internal import Checkpoints
public import DiffusionTransformers
internal import SystemPackage

/// Components of one folder need not be of one model: these are the ones that fit a transformer.
extension DiffusionPipeline {
  /// Opens the autoencoder and checks that its latents are what a transformer takes.
  public func openAutoencoder(
    for transformer: any DiffusionTransformer
  ) throws -> any Autoencoder {
    let autoencoder = try openAutoencoder()
    let channels = transformer.tokenChannels / 4
    guard autoencoder.latentChannels == channels, autoencoder.cellSize == 8 else {
      throw PipelineError.autoencoderDiffers(
        folder: folder.path.appending("vae"),
        expected: "\(channels) latent channels and cells of 8 pixels",
        found: "\(autoencoder.latentChannels) channels and cells of \(autoencoder.cellSize)")
    }
    return autoencoder
  }

  /// Opens tokenizers and, unless states of captions are kept, text encoders; every caption's states are
  /// checked against what a transformer takes.
  ///
  /// - Parameters:
  ///   - transformer: who is told the captions.
  ///   - textTokens: length that captions are padded to (FLUX.1) or cut at (Qwen-Image); nil: what
  ///     the model's files say.
  ///   - cache: where states are kept.
  ///   - merge: gives the parameters of a text encoder with adapters merged into them.
  /// - Returns: the encoder.
  /// - Throws: what is missing or wrong in the components' files.
  public func openCaptionEncoder(
    for transformer: any DiffusionTransformer, textTokens: Int? = nil, cache: ContentCache? = nil,
    merging merge: EncoderMerge? = nil
  ) throws -> CaptionEncoder {
    let source = ConditioningSource(
      text: folder.path.appending(statesComponent).string,
      pooled: folder.path.appending("text_encoder").string)
    return try openCaptionEncoder(textTokens: textTokens, cache: cache, merging: merge) {
      try transformer.check($0, from: source)
    }
  }

  /// Encodes pictures into latents that a transformer takes; the autoencoder is opened when it is needed.
  ///
  /// - Parameters:
  ///   - transformer: who is told the latents.
  ///   - cache: where latents are kept.
  /// - Returns: the encoder.
  public func pictureEncoder(
    for transformer: any DiffusionTransformer, cache: ContentCache?
  ) -> PictureEncoder {
    PictureEncoder(folder, cache: cache) { try openAutoencoder(for: transformer) }
  }
}
