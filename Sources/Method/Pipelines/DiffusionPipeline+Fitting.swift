public import Autoencoders
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

  /// Opens tokenizers and text encoders; every caption's states are checked against what a
  /// transformer takes.
  ///
  /// - Parameters:
  ///   - transformer: who is told the captions.
  ///   - textTokens: length that captions are padded to (FLUX.1) or cut at (Qwen-Image); nil: what
  ///     the model's files say.
  /// - Returns: the encoder.
  /// - Throws: what is missing or wrong in the components' files.
  public func openCaptionEncoder(
    for transformer: any DiffusionTransformer, textTokens: Int? = nil
  ) throws -> any CaptionEncoder {
    FittingCaptionEncoder(
      encoder: try openCaptionEncoder(textTokens: textTokens), transformer: transformer,
      source: ConditioningSource(
        text: folder.path.appending(statesComponent).string,
        pooled: folder.path.appending("text_encoder").string))
  }
}

/// A caption encoder whose states fit a transformer.
private struct FittingCaptionEncoder: CaptionEncoder {
  let encoder: any CaptionEncoder
  let transformer: any DiffusionTransformer
  let source: ConditioningSource

  func tokenCount(of caption: String) throws -> Int { try encoder.tokenCount(of: caption) }

  func encode(_ caption: String) throws -> EncodedCaption {
    let encoded = try encoder.encode(caption)
    try transformer.check(encoded.conditioning, from: source)
    return encoded
  }
}
