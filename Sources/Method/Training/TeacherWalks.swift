internal import Compute
public import DiffusionTransformers
internal import Elements
internal import JSON
public import Schedules

/// The teacher's walks that an objective along its path asks for, as far as they are known from earlier runs.
public struct TeacherWalks {
  /// How many there are.
  public var count: Int { walks.count }
  /// How many of them no step is left to take of.
  public let keptCount: Int
  private let perSample: Int
  private let levels: WalkLevels
  private let passes: TrainingPasses
  private let walks: [TeacherWalk]

  /// Walks of the frozen base, before their first step.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - material: samples, whose captions are used, and the negative prompt.
  ///   - schedule: whose noise levels are kept; they are stepped to even where the grid lacks them.
  ///   - teacher: the teacher's grid, falling, without the final 0.
  ///   - settings: guidance, seed, and how many walks.
  ///   - kept: latents of earlier runs; nil: there are none, and none are kept.
  public init(
    model: any DiffusionTransformer, material: TrainingMaterial, schedule: PhaseSchedule,
    teacher: [Float], settings: TrainingSettings, kept: KeptWalks? = nil
  ) {
    guard let count = settings.objective.trajectories else {
      preconditionFailure("only an objective along the teacher's path has trajectories")
    }
    perSample = count
    let modulations = ModulationCache(
      capacity: model.pooledChannels == nil ? 1 : material.samples.count + 1)
    let passes = TrainingPasses(
      model, settings, negative: material.negative, modulations: modulations)
    let levels = WalkLevels(schedule, teacher: teacher)
    walks = material.samples.enumerated().flatMap { place, sample in
      let prompt: JSONObject? = kept.map { _ in passes.inputs(of: sample) }
      return (0..<count).map { index in
        let stream = RandomStream(
          seed: settings.seed, purpose: .trajectoryNoise, step: UInt32(place * count + index))
        let latent = Tensor(
          shape: sample.latentShape, stream.normals(count: sample.latentShape.elementCount))
        return TeacherWalk(sample, from: packTokens(latent), levels, kept, prompt: prompt ?? [:])
      }
    }
    self.passes = passes
    self.levels = levels
    keptCount = walks.count(where: \.steps.isEmpty)
  }

  /// Takes the steps that are left, all walks a step at a time, so that what a noise level alone decides is
  /// computed once.
  ///
  /// - Parameter stepDone: called after every step with its number, counted from 1, and how many there are;
  ///   may throw to stop.
  /// - Returns: all walks.
  /// - Throws: what `stepDone` throws, and a walk that is not finite.
  public func taken(
    stepDone: (_ step: Int, _ count: Int) throws -> Void = { _, _ in }
  ) throws -> TrajectoryBank {
    var walks = walks
    let steps = walks.reduce(into: Set<Int>()) { $0.formUnion($1.steps) }.sorted()
    for (number, step) in steps.enumerated() {
      for index in walks.indices where walks[index].steps.contains(step) {
        try walks[index].take(step, passes)
      }
      try stepDone(number + 1, steps.count)
    }
    return TrajectoryBank(
      perSample: perSample,
      walks.map { walk in Trajectory(latents: levels.stops.map { walk.latent(at: $0) }) })
  }
}

/// The noise levels that walks pass.
struct WalkLevels: Sendable {
  /// All of them, falling, the final 0 too.
  let sigmas: [Float]
  /// Places among them of the schedule's, and of the end.
  let stops: [Int]

  init(_ schedule: PhaseSchedule, teacher: [Float]) {
    let asked = Set(schedule.sigmas)
    let levels = asked.union(teacher).sorted(by: >)
    sigmas = levels + [0]
    stops = levels.indices.filter { asked.contains(levels[$0]) } + [levels.count]
  }
}
