public import DiffusionTransformers

/// What a run trains on.
public struct TrainingMaterial: Sendable {
  /// Pictures with captions, at least one.
  public let samples: [TrainingSample]
  /// States of the family's empty caption; needed with caption dropout.
  public let empty: Conditioning?
  /// States of the negative prompt; needed where the teacher is guided.
  public let negative: Conditioning?
  /// The teacher's walks; needed by objectives along its path.
  public var trajectories: TrajectoryBank?

  /// Material of these parts.
  public init(
    samples: [TrainingSample], empty: Conditioning? = nil, negative: Conditioning? = nil,
    trajectories: TrajectoryBank? = nil
  ) {
    self.samples = samples
    self.empty = empty
    self.negative = negative
    self.trajectories = trajectories
  }
}
