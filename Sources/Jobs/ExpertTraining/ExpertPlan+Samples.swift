internal import Autoencoders
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
  /// Encodes captions and pictures; text encoders are given back before the autoencoder is opened.
  func prepareSamples(_ handle: (ExpertEvent) throws -> Void) throws -> PreparedSamples {
    let captions = try encodeCaptions(handle)
    let autoencoder =
      try pictures.isEmpty ? nil : pipeline.openAutoencoder(for: transformer.transformer)
    var digest = SHA256()
    var samples: [TrainingSample] = []
    for (source, conditioning) in zip(request.samples, captions.samples) {
      let parts = [try source.image.map { try SHA256.hexadecimal(of: $0) } ?? "", source.caption]
      for part in parts { unsafe digest.update(Array(part.utf8).span.bytes) }
      guard let image = source.image, let autoencoder else {
        samples.append(
          TrainingSample(name: source.name, latentShape: latentShape, conditioning: conditioning))
        continue
      }
      try handle(.preparing("encoding \(source.name)"))
      let picture = try Picture(reading: image).croppedToFill(width: width, height: height)
      let latent = try autoencoder.encode(
        Tensor(shape: [3, height, width], picture.normalized()))
      guard latent.mean.isFinite else {
        throw ExpertTrainingError.badSample(
          file: image, detail: "its latent is not finite; is the autoencoder damaged?",
          kind: .wrongData)
      }
      samples.append(
        TrainingSample(
          name: source.name, mean: latent.mean,
          deviation: request.followsPublishedCode ? latent.deviation : nil,
          conditioning: conditioning))
    }
    return PreparedSamples(
      material: TrainingMaterial(
        samples: samples, empty: captions.empty, negative: captions.negative),
      digest: digest.hexadecimal())
  }

  /// Sizes of a latent, `[channels, height, width]`; an autoencoder's cell is eight pixels wide.
  private var latentShape: [Int] {
    [transformer.transformer.tokenChannels / 4, height / 8, width / 8]
  }

  private func encodeCaptions(
    _ handle: (ExpertEvent) throws -> Void
  ) throws -> (samples: [Conditioning], empty: Conditioning?, negative: Conditioning?) {
    try handle(.preparing("encoding captions"))
    let encoder = try pipeline.openCaptionEncoder(
      for: transformer.transformer, textTokens: request.textTokens)
    func encode(_ caption: String) throws -> Conditioning {
      let encoded = try encoder.encode(caption)
      for warning in encoded.warnings { try handle(.warning(warning)) }
      return encoded.conditioning
    }
    return (
      try request.samples.map { try encode($0.caption) },
      settings.captionDropout > 0 ? try encode(pipeline.defaults.emptyCaption) : nil,
      settings.isTeacherGuided ? try encode(pipeline.defaults.sampling.negative) : nil
    )
  }

  /// Digest of the transformer's weights: of its file, or of its shards' bytes in the order of
  /// their names.
  func baseDigest() throws -> String {
    let files = transformer.checkpoint.source.files.sorted {
      $0.string.utf8.lexicographicallyPrecedes($1.string.utf8)
    }
    var digest = SHA256()
    for file in files { try digest.update(contentsOf: file) }
    return digest.hexadecimal()
  }
}
