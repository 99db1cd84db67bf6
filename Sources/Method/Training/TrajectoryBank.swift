public import Compute
public import DiffusionTransformers
internal import Elements
public import Schedules

/// One walk of the teacher from pure noise to a picture.
public struct Trajectory: Sendable {
  /// The packed latent `[tokens, channels]` at every step of the schedule, and at the end.
  public let latents: [Tensor]
}

/// Walks of the teacher on its own grid for every sample's caption, as they pass a schedule's noise levels.
public struct TrajectoryBank: Sendable {
  /// How many there are of a sample.
  public let perSample: Int
  private let trajectories: [Trajectory]

  /// A walk of a sample.
  subscript(sample sample: Int, _ index: Int) -> Trajectory {
    trajectories[sample * perSample + index]
  }

  /// Draws with the frozen base, all walks a step at a time, so that what a noise level alone decides is
  /// computed once.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - material: samples, whose captions are used, and the negative prompt.
  ///   - schedule: whose noise levels are kept; they are stepped to even where the grid lacks them.
  ///   - teacher: the teacher's grid, falling, without the final 0.
  ///   - settings: guidance, seed, and how many walks.
  ///   - stepDone: called after every step with its number, counted from 1, and how many there are; may
  ///     throw to stop.
  /// - Throws: what `stepDone` throws, and a walk that is not finite.
  public init(
    model: any DiffusionTransformer, material: TrainingMaterial, schedule: PhaseSchedule,
    teacher: [Float], settings: TrainingSettings,
    stepDone: (_ step: Int, _ count: Int) throws -> Void = { _, _ in }
  ) throws {
    guard let count = settings.objective.trajectories else {
      preconditionFailure("only an objective along the teacher's path has trajectories")
    }
    let modulations = ModulationCache(
      capacity: model.pooledChannels == nil ? 1 : material.samples.count + 1)
    let passes = TrainingPasses(
      model, settings, negative: material.negative, modulations: modulations)
    let stops = Set(schedule.sigmas)
    let levels = stops.union(teacher).sorted(by: >) + [0]
    var walks = material.samples.enumerated().flatMap { place, sample in
      (0..<count).map { index in
        let noise = RandomStream(
          seed: settings.seed, purpose: .trajectoryNoise, step: UInt32(place * count + index))
        let latent = Tensor(
          shape: sample.latentShape, noise.normals(count: sample.latentShape.elementCount))
        return (sample: sample, latent: packTokens(latent), kept: [Tensor]())
      }
    }
    for (step, (from, to)) in zip(levels, levels.dropFirst()).enumerated() {
      for index in walks.indices {
        if stops.contains(from) { walks[index].kept.append(walks[index].latent) }
        let sample = walks[index].sample
        walks[index].latent = passes.walk(
          walks[index].latent, grid: sample.grid, along: [from, to], prompt: sample.conditioning)
        guard walks[index].latent.isFinite else {
          throw TrainingError.badSample(
            name: sample.name,
            detail: "the teacher's own walk for its caption is not finite at sigma \(from)")
        }
      }
      try stepDone(step + 1, levels.count - 1)
    }
    perSample = count
    trajectories = walks.map { Trajectory(latents: $0.kept + [$0.latent]) }
  }
}
