internal import Autoencoders
internal import Caching
internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Failures
internal import Files
internal import Pictures
internal import Pipelines
internal import Schedules
internal import SystemPackage
internal import Tensors
internal import Training

/// Samples as a run uses them, and what they were made from.
struct PreparedSamples {
  var material: TrainingMaterial
  /// Digest of all pictures' bytes and captions.
  let digest: String
}

extension ExpertPlan {
  /// Encodes captions and pictures, or finds them as an earlier run did; text encoders are given back before
  /// the autoencoder is opened.
  func prepareSamples(_ handle: (ExpertEvent) throws -> Void) throws -> PreparedSamples {
    let captions = try encodeCaptions(handle)
    let encoder = pipeline.pictureEncoder(for: transformer.transformer, cache: request.cache)
    var samples: [TrainingSample] = []
    var latents: [FilePath: PictureEncoder.Latents] = [:]
    for (source, conditioning) in zip(request.samples, captions.samples) {
      guard let image = source.image else {
        samples.append(
          TrainingSample(name: source.name, latentShape: latentShape, conditioning: conditioning))
        continue
      }
      let latent = try latents[image] ?? encode(image, by: encoder, handle)
      latents[image] = latent
      samples.append(
        TrainingSample(
          name: source.name, mean: latent.mean,
          deviation: request.followsPublishedCode ? latent.deviation : nil,
          conditioning: conditioning))
    }
    return PreparedSamples(
      material: TrainingMaterial(
        samples: samples, empty: captions.empty, negative: captions.negative),
      digest: try sampleDigest())
  }

  /// Digest of all pictures' bytes and captions.
  func sampleDigest() throws -> String {
    var digest = SHA256()
    for source in request.samples {
      let parts = [try source.image.map { try SHA256.hexadecimal(of: $0) } ?? "", source.caption]
      for part in parts { unsafe digest.update(Array(part.utf8).span.bytes) }
    }
    return digest.hexadecimal()
  }

  /// A picture's latent, which must be finite.
  private func encode(
    _ image: FilePath, by encoder: PictureEncoder, _ handle: (ExpertEvent) throws -> Void
  ) throws -> PictureEncoder.Latents {
    let name = image.lastComponent?.string ?? image.string
    try handle(.preparing("encoding \(name)"))
    let latent = try encoder.encode(Picture(reading: image, (width, height)))
    guard latent.mean.isFinite else {
      throw ExpertTrainingError.badSample(
        file: image, detail: "its latent is not finite; is the autoencoder damaged?",
        kind: .wrongData)
    }
    if latent.isKept { try handle(.preparing("\(name) was encoded by an earlier run")) }
    return latent
  }

  /// Sizes of a latent, `[channels, height, width]`; an autoencoder's cell is eight pixels wide.
  var latentShape: [Int] {
    [transformer.transformer.tokenChannels / 4, height / 8, width / 8]
  }

  private func encodeCaptions(
    _ handle: (ExpertEvent) throws -> Void
  ) throws -> (samples: [Conditioning], empty: Conditioning?, negative: Conditioning?) {
    try handle(.preparing("encoding captions"))
    let encoder = try pipeline.openCaptionEncoder(
      for: transformer.transformer, textTokens: request.textTokens, cache: request.cache)
    var keptCount = 0
    func encode(_ caption: String) throws -> Conditioning {
      let encoded = try encoder.encode(caption)
      for warning in encoded.warnings { try handle(.warning(warning)) }
      keptCount += encoded.isKept ? 1 : 0
      return encoded.conditioning
    }
    let samples = try request.samples.map { try encode($0.caption) }
    let empty = try Self.emptyCaption(pipeline, settings).map(encode)
    let negative = try Self.negativePrompt(pipeline, settings).map(encode)
    if keptCount > 0 {
      try handle(.preparing("captions encoded by an earlier run: \(keptCount)"))
    }
    return (samples, empty, negative)
  }

  /// The caption that stands for none, where some are dropped.
  private static func emptyCaption(
    _ pipeline: DiffusionPipeline, _ settings: TrainingSettings
  ) -> String? {
    settings.captionDropout > 0 ? pipeline.defaults.emptyCaption : nil
  }

  /// The negative prompt, where the teacher is guided.
  static func negativePrompt(
    _ pipeline: DiffusionPipeline, _ settings: TrainingSettings
  ) -> String? {
    settings.isTeacherGuided ? pipeline.defaults.sampling.negative : nil
  }

  /// All that is encoded: the samples' captions, and what is told in their place.
  static func texts(
    of request: ExpertRequest, _ pipeline: DiffusionPipeline, _ settings: TrainingSettings
  ) -> [String] {
    request.samples.map(\.caption)
      + [emptyCaption(pipeline, settings), negativePrompt(pipeline, settings)].compactMap(\.self)
  }

  /// Digest of the transformer's weights: of its file, or of its shards' bytes in the order of
  /// their names.
  func baseDigest(_ contents: FileContents?) throws -> String {
    try contents?.digest ?? sha256(of: Self.files(of: transformer))
  }

  /// A transformer's files.
  static func files(of transformer: OpenedTransformer) -> [FilePath] {
    transformer.checkpoint.source.files.sorted {
      $0.string.utf8.lexicographicallyPrecedes($1.string.utf8)
    }
  }
}

extension Picture {
  /// A picture of a file, cut to a size.
  init(reading file: FilePath, _ size: (width: Int, height: Int)) throws {
    self = try Picture(reading: file).croppedToFill(width: size.width, height: size.height)
  }
}
