internal import Caching
public import DiffusionTransformers
public import JSON
internal import Sampling
public import Schedules

extension TrainingItems {
  /// What a loss at an item is computed from, besides the model: equal ones have equal losses.
  func inputs(of item: TrainingItem) -> JSONObject {
    let point: JSONObject = [
      "point": item.point.contentJSON, "target": item.target.contentJSON,
      "sigma": .number(Double(noises[item.entry].modelSigma)),
    ]
    let told = passes.inputs(passes.student(item.prompt), item.sample.grid)
    return JSONObject(point.members + told.members)
  }
}

extension TrainingPasses {
  /// What the teacher's velocities for a sample are computed from, besides the model, the latent and its noise
  /// level.
  func inputs(of sample: TrainingSample) -> JSONObject {
    inputs(teacher(sample.conditioning), sample.grid)
  }

  fileprivate func inputs(_ velocity: GuidedVelocity, _ grid: TokenGrid) -> JSONObject {
    let isGuided = velocity.negative != nil
    return [
      "rows": .integer(Int64(grid.rows)), "prompt": velocity.prompt.contentJSON,
      "negative": velocity.negative?.contentJSON ?? .null,
      "cfg": isGuided ? .number(settings.cfg) : 1,
      "keeps_norm": .bool(isGuided && settings.guidanceKeepsNorm),
      "guidance": .number(settings.guidance),
    ]
  }
}

extension TrainingRun {
  /// What the losses of the base with fixed noise are computed from, besides the base, before there is a run; of
  /// an objective that asks no teacher.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - material: what to train on.
  ///   - schedule: the whole schedule.
  ///   - phase: the phase whose expert is trained.
  ///   - configuration: the model's scheduler.
  ///   - settings: how to train.
  /// - Returns: what ``fixedNoiseLosses(base:)`` asks for, in its order.
  public static func fixedNoiseInputs(
    model: any DiffusionTransformer, material: TrainingMaterial, schedule: PhaseSchedule,
    phase: Phase, configuration: SchedulerConfiguration, settings: TrainingSettings
  ) -> [JSONObject] {
    precondition(!settings.objective.asksTeacher, "targets of the teacher take its passes")
    let passes = TrainingPasses(
      model, settings, negative: nil, modulations: ModulationCache(capacity: 1))
    let items = TrainingItems(
      material, schedule: schedule, phase: phase, configuration: configuration, passes: passes,
      seed: seed(of: phase, in: schedule, settings))
    return items.fixedItems().map(items.inputs)
  }
}

extension Conditioning {
  /// The states for a key.
  fileprivate var contentJSON: JSONValue {
    ["text": text.contentJSON, "pooled": pooled?.contentJSON ?? .null]
  }
}
