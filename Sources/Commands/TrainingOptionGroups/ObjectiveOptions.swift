internal import Adapters
public import ArgumentParser
internal import CommandSupport
internal import ExpertTraining
internal import Schedules
internal import SystemPackage
public import Training

/// What the experts learn.
public struct ObjectiveOptions: ParsableArguments {
  /// What velocities are made equal to.
  @Option(
    help: ArgumentHelp(
      """
      flow-matching (default): the line from noise to the picture, as published. interval[:K]: the frozen \
      teacher's mean velocity from the noised picture to the schedule's next timestep, in K \
      sub-steps (default: 5). path[:N]: that of N walks of its own from pure noise (default: 4).
      """, valueName: "objective"),
    transform: {
      try read(
        $0, as: "flow-matching, interval, interval:K, path or path:N", Objective.init(parsing:))
    })
  public var objective = Objective.flowMatching

  /// How much the loss at a timestep counts.
  @Option(
    help: ArgumentHelp(
      """
      How much the loss at a timestep counts: none (alike, the default), sigma, min-snr:G, or numbers joined by \
      commas, one a step of the schedule; the mean over an expert's timesteps is 1.
      """, valueName: "weighting"),
    transform: {
      try read(
        $0, as: "none, sigma, min-snr:G or numbers joined by commas", LossWeighting.init(parsing:))
    })
  public var weighting = LossWeighting.none

  /// The teacher's guidance scale.
  @Option(help: "Classifier-free guidance scale of the teacher (default: the family's).")
  public var cfg: Double?

  /// Whether guidance is folded in.
  @Flag(
    help: """
      With --objective interval or path, learn in one pass what the teacher's guidance comes to: the \
      adapter is then drawn without, at half the passes.
      """)
  public var distillGuidance = false

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public mutating func validate() throws { try TrainingLimit.cfg.check(cfg) }

  private static func read<Value>(
    _ text: String, as expected: String, _ parse: (String) -> Value?
  ) throws -> Value {
    guard let value = parse(text) else {
      throw ValidationError("expected \(expected), found '\(text)'")
    }
    return value
  }
}
