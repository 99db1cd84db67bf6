internal import Compute
internal import DiffusionTransformers
internal import Elements
internal import Schedules

/// A point between noise and picture, and the velocity to learn there.
struct TrainingItem {
  /// Which of the phase's entries it stands at.
  let entry: Int
  /// What it was made from.
  let sample: TrainingSample
  /// Whether the caption is replaced by the empty one.
  let isCaptionDropped: Bool
  /// What the model is told of the caption.
  let prompt: Conditioning
  /// The noised latent, packed, `[tokens, channels]`.
  let point: Tensor
  /// The velocity to learn, likewise.
  let target: Tensor
}

/// The items of a run. Each depends on the settings and its number only.
struct TrainingItems: Sendable {
  /// What samples are, and what is told in their place.
  let material: TrainingMaterial
  /// The phase's steps.
  let entries: [PhaseSchedule.Entry]
  /// The noise level that each of them leads to.
  let nextSigmas: [Float]
  /// The noise that is mixed in at each.
  let noises: [TrainingNoise]
  private let visits: VisitOrder
  let passes: TrainingPasses
  private let seed: UInt64
  /// Places of the phase's entries in the schedule.
  private let places: Range<Int>

  var settings: TrainingSettings { passes.settings }

  init(
    _ material: TrainingMaterial, schedule: PhaseSchedule, phase: Phase,
    configuration: SchedulerConfiguration, passes: TrainingPasses, seed: UInt64
  ) {
    self.material = material
    self.passes = passes
    self.seed = seed
    places = schedule.indices(of: phase)
    entries = Array(schedule.entries[places])
    nextSigmas = places.map { schedule.sigma(after: $0) }
    let isPublished = passes.settings.followsPublishedArithmetic
    noises = entries.map {
      isPublished
        ? TrainingNoise(publishedFor: $0.sigma, configuration: configuration)
        : TrainingNoise(sigma: $0.sigma)
    }
    visits = VisitOrder(
      isPublished ? .random : .stratified, count: entries.count, seed: seed)
  }

  /// The item of a number, counted from the run's start.
  func item(_ index: Int) -> TrainingItem {
    let visit = UInt32(truncatingIfNeeded: index)
    let order = RandomStream(seed: seed, purpose: .sampleOrder, step: visit)
    let choice = order.integer(below: material.samples.count, at: 0)
    let dropout = RandomStream(seed: seed, purpose: .captionDropout, step: visit)
    let entry = visits.index(ofVisit: index)
    if let trajectories = material.trajectories {
      let trajectory = trajectories[
        sample: choice, order.integer(below: trajectories.perSample, at: 1)]
      return item(entry, choice, along: trajectory)
    }
    let sample = material.samples[choice]
    let latent = sample.latent(seed: seed, visit: visit)
    let noise = RandomStream(seed: seed, purpose: .trainingNoise, step: visit)
    return item(
      entry, sample, isCaptionDropped: dropout.uniform(at: 0) < settings.captionDropout,
      latent: latent, noise: Tensor(shape: latent.shape, noise.normals(count: latent.count)))
  }

  /// One item an entry, the same at every call: of the first sample with noise of its own, or of its first
  /// trajectory.
  func fixedItems() -> [TrainingItem] {
    let sample = material.samples[0]
    if let trajectories = material.trajectories {
      return entries.indices.map { item($0, 0, along: trajectories[sample: 0, 0]) }
    }
    let stream = RandomStream(seed: seed, purpose: .validationNoise)
    let noise = Tensor(
      shape: sample.latentShape, stream.normals(count: sample.latentShape.elementCount))
    return entries.indices.map {
      item($0, sample, isCaptionDropped: false, latent: sample.latent, noise: noise, rounds: false)
    }
  }

  private func item(
    _ entry: Int, _ sample: TrainingSample, isCaptionDropped: Bool, latent: Tensor, noise: Tensor,
    rounds: Bool = true
  ) -> TrainingItem {
    let prompt = isCaptionDropped ? material.empty ?? sample.conditioning : sample.conditioning
    let flow = FlowMatchingItem(
      latent: latent, noise: noise, sigma: noises[entry].sigma,
      roundsToBFloat16: rounds && settings.followsPublishedArithmetic)
    let point = packTokens(flow.noised)
    let target =
      if case .interval(let substeps) = settings.objective {
        meanVelocity(
          entry, from: point,
          to: passes.walk(
            point, grid: sample.grid, along: levels(entry, steps: substeps), prompt: prompt))
      } else { packTokens(flow.velocity) }
    return TrainingItem(
      entry: entry, sample: sample, isCaptionDropped: isCaptionDropped, prompt: prompt,
      point: point, target: target)
  }

  private func item(_ entry: Int, _ sample: Int, along trajectory: Trajectory) -> TrainingItem {
    let place = places.lowerBound + entry
    let (point, end) = (trajectory.latents[place], trajectory.latents[place + 1])
    let sample = material.samples[sample]
    return TrainingItem(
      entry: entry, sample: sample, isCaptionDropped: false, prompt: sample.conditioning,
      point: point, target: meanVelocity(entry, from: point, to: end))
  }

  /// Noise levels from an entry's to the one that it leads to in equal steps, both included.
  private func levels(_ entry: Int, steps: Int) -> [Float] {
    let (from, to) = (entries[entry].sigma, nextSigmas[entry])
    return (0...steps).map { from + (to - from) * Float($0) / Float(steps) }
  }

  /// (end - start) / (their noise levels' difference): what the entry's one Euler step needs to arrive there.
  private func meanVelocity(_ entry: Int, from start: Tensor, to end: Tensor) -> Tensor {
    var velocity = end
    velocity.add(start, times: -1)
    velocity.scale(by: 1 / (nextSigmas[entry] - entries[entry].sigma))
    return velocity
  }
}
