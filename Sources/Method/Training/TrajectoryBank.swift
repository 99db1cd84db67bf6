public import Compute

/// One walk of the teacher from pure noise to a picture.
public struct Trajectory: Sendable {
  /// The packed latent `[tokens, channels]` at every step of the schedule, and at the end.
  public let latents: [Tensor]
}

/// Walks of the teacher on its own grid for every sample's caption, as they pass a schedule's noise levels.
public struct TrajectoryBank: Sendable {
  /// How many there are of a sample.
  public let perSample: Int
  /// All of them, one sample's after another's.
  public let trajectories: [Trajectory]

  /// Walks of all samples.
  init(perSample: Int, _ trajectories: [Trajectory]) {
    self.perSample = perSample
    self.trajectories = trajectories
  }

  /// A walk of a sample.
  subscript(sample sample: Int, _ index: Int) -> Trajectory {
    trajectories[sample * perSample + index]
  }
}
