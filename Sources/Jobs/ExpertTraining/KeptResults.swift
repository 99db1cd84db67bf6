internal import Caching
internal import Pictures
internal import Pipelines
internal import Schedules
internal import Training

/// How much of what a run prepares and compares with is kept from earlier runs.
public struct KeptResults: Sendable, Equatable {
  /// Some of all.
  public struct Share: Sendable, Equatable {
    /// How many are kept.
    public let kept: Int
    /// How many there are.
    public let all: Int

    /// Whether nothing is left to compute.
    public var isWhole: Bool { kept == all }
  }

  /// Encoded captions, the empty one included where it is needed.
  public let captions: Share
  /// Latents of pictures.
  public let pictures: Share
  /// Losses of the base, which experts are compared with.
  public let baseLosses: Share
  /// The teacher's walks; nil of objectives that need none.
  public let walks: Share?
}

extension ExpertPlan {
  /// What of the run is kept from earlier ones, as far as that is known without hashing large files; nil where
  /// nothing is to be kept.
  public func keptResults() throws -> KeptResults? {
    guard let cache = request.cache else { return nil }
    let base = cache.knownContents(of: baseSnapshot).map { BaseResults(transformer, $0, in: cache) }
    return KeptResults(
      captions: keptCaptions, pictures: keptPictures, baseLosses: try keptBaseLosses(base),
      walks: try keptWalks(base))
  }

  /// None as long as the first sample is not encoded, and of objectives whose targets are the teacher's.
  private func keptBaseLosses(_ base: BaseResults?) throws -> KeptResults.Share {
    let all = phases.reduce(0) { $0 + schedule.indices(of: $1).count }
    guard !settings.objective.asksTeacher, keptCaptions.isWhole, keptPictures.isWhole,
      let image = request.samples[0].image, let base
    else { return KeptResults.Share(kept: 0, all: all) }
    let model = transformer.transformer
    let captions = try pipeline.openCaptionEncoder(
      for: model, textTokens: request.textTokens, cache: base.cache)
    let picture = try pipeline.pictureEncoder(for: model, cache: base.cache)
      .encode(Picture(reading: image, (width, height)))
    let sample = TrainingSample(
      name: "", mean: picture.mean, deviation: nil,
      conditioning: try captions.encode(request.samples[0].caption).conditioning)
    let losses = BaseLosses(base)
    let inputs = phases.flatMap {
      TrainingRun.fixedNoiseInputs(
        model: model, material: TrainingMaterial(samples: [sample]), schedule: schedule, phase: $0,
        configuration: pipeline.scheduler, settings: settings)
    }
    return KeptResults.Share(kept: inputs.count(where: losses.isKept), all: all)
  }
}
