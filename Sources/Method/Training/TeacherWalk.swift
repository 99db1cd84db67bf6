internal import Caching
internal import Compute
internal import DiffusionTransformers
internal import JSON

/// One of the teacher's walks, and which of its steps are left to take.
struct TeacherWalk {
  private let sample: TrainingSample
  private let levels: WalkLevels
  private let kept: KeptWalks?
  /// What decides where the walk is at a noise level, besides the base and the levels before.
  private let inputs: JSONObject
  private let shape: [Int]
  /// Latents by the places of their noise levels: what is needed, or gone on from.
  private var latents: [Int: Tensor]
  /// Steps that are left, by the places of the noise levels from which they go.
  private(set) var steps: Set<Int> = []

  /// A walk before its first step.
  ///
  /// - Parameters:
  ///   - sample: whose caption it follows.
  ///   - noise: the packed latent where it begins.
  ///   - levels: noise levels that it passes.
  ///   - kept: latents of earlier runs.
  ///   - prompt: what the teacher is told, where something is kept.
  init(
    _ sample: TrainingSample, from noise: Tensor, _ levels: WalkLevels, _ kept: KeptWalks?,
    prompt: JSONObject
  ) {
    self.sample = sample
    self.levels = levels
    self.kept = kept
    inputs =
      kept == nil
      ? [:] : JSONObject(prompt.members + [.init(key: "noise", value: noise.contentJSON)])
    shape = noise.shape
    latents = [0: noise]
    for stop in levels.stops where latents[stop] == nil { latents[stop] = find(stop) }
    for stop in levels.stops where latents[stop] == nil {
      // Back to the last latent that is kept, or that a step before leads to.
      var place = stop
      repeat {
        place -= 1
        steps.insert(place)
        if latents[place] == nil { latents[place] = find(place) }
      } while latents[place] == nil && !steps.contains(place - 1)
    }
  }

  /// The latent at a noise level of which it was asked for, when all steps are taken.
  func latent(at place: Int) -> Tensor {
    guard let latent = latents[place] else { preconditionFailure("a step was left out") }
    return latent
  }

  /// Takes a step, the earlier ones being taken, and keeps where it leads.
  ///
  /// - Throws: when that is not finite.
  mutating func take(_ step: Int, _ passes: TrainingPasses) throws(TrainingError) {
    let (from, to) = (levels.sigmas[step], levels.sigmas[step + 1])
    let next = passes.walk(
      latent(at: step), grid: sample.grid, along: [from, to], prompt: sample.conditioning)
    guard next.isFinite else {
      throw TrainingError.badSample(
        name: sample.name,
        detail: "the teacher's own walk for its caption is not finite at sigma \(from)")
    }
    latents[step + 1] = next
    if !levels.stops.contains(step) { latents[step] = nil }
    steps.remove(step)
    kept?.store(key(step + 1), next)
  }

  private func find(_ place: Int) -> Tensor? {
    guard let latent = kept?.find(key(place)), latent.shape == shape else { return nil }
    return latent
  }

  /// What decides the latent at a noise level: the levels up to it, too.
  private func key(_ place: Int) -> JSONObject {
    let sigmas = levels.sigmas.prefix(place + 1).map { JSONValue.number(Double($0)) }
    return JSONObject(inputs.members + [.init(key: "sigmas", value: .array(sigmas))])
  }
}
