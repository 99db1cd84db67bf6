internal import Compute
package import DiffusionTransformers
internal import Sampling
package import Schedules

/// What the items of a run's steps are, and their gradients: all of a step but its application. It depends on
/// nothing but the run's settings and inputs, the item's number and the factors, so that any process computes it
/// to the same bits.
package struct ItemGradients: Sendable {
  /// How the expert is trained.
  let settings: TrainingSettings
  let items: TrainingItems
  private let passes: TrainingPasses
  /// How much the loss at each of the phase's entries counts.
  private let weights: [Float]

  /// The items of a run; see ``TrainingRun``'s.
  ///
  /// - Throws: when the phase has no steps, or a sample is not what the model or the objective takes.
  package init(
    model: any DiffusionTransformer, material: TrainingMaterial, schedule: PhaseSchedule,
    phase: Phase, configuration: SchedulerConfiguration, settings: TrainingSettings
  ) throws {
    let entries = schedule.indices(of: phase)
    guard !entries.isEmpty else {
      throw TrainingError.nothingToTrain(detail: "the schedule has no steps of phase '\(phase)'")
    }
    guard !material.samples.isEmpty else {
      throw TrainingError.nothingToTrain(detail: "there is no sample to train on")
    }
    try material.check(model: model, settings)
    guard let weights = settings.weighting.weights(of: schedule.sigmas, phase: entries) else {
      throw TrainingError.nothingToTrain(
        detail:
          "the weighting '\(settings.weighting)' has no weight above 0 for phase '\(phase)', or "
          + "another number of weights than the schedule's \(schedule.entries.count) steps")
    }
    self.weights = weights
    self.settings = settings
    passes = TrainingPasses(
      model, settings, negative: material.negative,
      modulations: ModulationCache(
        capacity: Self.keptConditioningCount(
          model, samples: material.samples.count, entries: entries.count, settings)))
    items = TrainingItems(
      material, schedule: schedule, phase: phase, configuration: configuration, passes: passes,
      seed: TrainingRun.seed(of: phase, in: schedule, settings))
  }

  /// The gradients of an item and what it was.
  ///
  /// - Parameters:
  ///   - index: its number, counted from the run's start.
  ///   - adapters: the factors as they are.
  /// - Returns: both.
  func gradients(
    ofItem index: Int, _ adapters: AttachedAdapters
  ) -> (gradients: [String: FactorGradients], result: TrainingRun.ItemResult) {
    let item = items.item(index)
    let tape = Tape(ofTransformers: .recording, adapters: adapters)
    let loss = loss(of: item, on: tape)
    tape.differentiate(loss, times: weights[item.entry])
    let result = TrainingRun.ItemResult(
      sigma: items.entries[item.entry].sigma, sample: item.sample.name,
      isCaptionDropped: item.isCaptionDropped, loss: Double(loss.tensor.floats[0]))
    return (tape.gradients.mapValues { $0.onHost() }, result)
  }

  /// The numbers of a step's items.
  func items(ofStep step: Int) -> Range<Int> {
    step * settings.batch..<(step + 1) * settings.batch
  }

  /// The loss at an item.
  func loss(of item: TrainingItem, on tape: Tape) -> Variable {
    let velocity = passes.student(item.prompt)(
      tape, at: item.point, grid: item.sample.grid, sigma: items.noises[item.entry].modelSigma)
    return tape.meanSquaredError(velocity, target: item.target)
  }

  /// Conditionings whose modulation is kept: of every timestep with every caption, where models look at
  /// captions for it, but no more than take a few hundred MB at the largest models' width.
  static func keptConditioningCount(
    _ model: any DiffusionTransformer, samples: Int, entries: Int, _ settings: TrainingSettings
  ) -> Int {
    let captions =
      samples + (settings.captionDropout > 0 ? 1 : 0) + (settings.isTeacherGuided ? 1 : 0)
    let levels = entries * max(1, settings.objective.teacherEvaluations)
    return min(32, levels * (model.pooledChannels == nil ? 1 : captions))
  }
}
