internal import Caching
internal import JSON
internal import Pipelines
internal import Training

/// That a run was stopped before there was anything to save.
struct StoppedBeforeTraining: Error {}

extension ExpertPlan {
  /// Lets the teacher draw for objectives along its path, where that is not done yet.
  ///
  /// - Parameters:
  ///   - material: samples and the negative prompt; takes the walks.
  ///   - base: what is kept of the base; nil: nothing is.
  ///   - shouldStop: asked after every step; what was walked until then is kept.
  ///   - handle: called with how far it is.
  /// - Throws: ``StoppedBeforeTraining``, and a walk that is not finite.
  func addWalks(
    to material: inout TrainingMaterial, _ base: BaseResults?, _ shouldStop: () -> Bool,
    _ handle: (ExpertEvent) throws -> Void
  ) throws {
    guard settings.objective.trajectories != nil, material.trajectories == nil else { return }
    let walks = teacherWalks(material, base)
    if walks.keptCount > 0 {
      try handle(.preparing("walks taken by an earlier run: \(walks.keptCount) of \(walks.count)"))
    }
    material.trajectories = try walks.taken { step, count in
      try handle(.preparing("the teacher's own walks: step \(step) of \(count)"))
      if shouldStop() { throw StoppedBeforeTraining() }
    }
  }

  /// How many of the teacher's walks are kept whole; nil of objectives that need none.
  func keptWalks(_ base: BaseResults?) throws -> KeptResults.Share? {
    guard let perSample = settings.objective.trajectories else { return nil }
    let all = request.samples.count * perSample
    guard keptCaptions.isWhole, let base else { return KeptResults.Share(kept: 0, all: all) }
    let captions = try pipeline.openCaptionEncoder(
      for: transformer.transformer, textTokens: request.textTokens, cache: base.cache)
    let samples = try request.samples.map {
      TrainingSample(
        name: $0.name, latentShape: latentShape,
        conditioning: try captions.encode($0.caption).conditioning)
    }
    let material = TrainingMaterial(
      samples: samples,
      negative: try Self.negativePrompt(pipeline, settings).map {
        try captions.encode($0).conditioning
      })
    return KeptResults.Share(kept: teacherWalks(material, base).keptCount, all: all)
  }

  private func teacherWalks(_ material: TrainingMaterial, _ base: BaseResults?) -> TeacherWalks {
    TeacherWalks(
      model: transformer.transformer, material: material, schedule: schedule,
      teacher: teacherSigmas, settings: settings, kept: base.map { KeptWalks($0) })
  }
}

extension KeptWalks {
  private static let (kind, name) = ("teacher-walk", "latent")

  /// Walks of a base.
  fileprivate init(_ base: BaseResults) {
    self.init(
      find: { base.cache.floats(base.key(Self.kind, $0), [Self.name])?.first },
      store: { inputs, latent in
        guard base.areCurrent else { return }
        base.cache.store([(Self.name, latent)], under: base.key(Self.kind, inputs))
      })
  }
}
