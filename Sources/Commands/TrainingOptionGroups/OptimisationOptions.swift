internal import Adapters
public import ArgumentParser
public import CommandSupport
internal import ExpertTraining
internal import Schedules
internal import SystemPackage
internal import Training

/// How it is trained.
public struct OptimisationOptions: ParsableArguments {
  /// Whose arithmetic.
  public enum Compatibility: String, ExpressibleByArgument, CaseIterable {
    /// The published training code.
    case reference
  }

  /// Rank.
  @Option(help: "Rank of the adapter (default: the family's, 16 or 32).")
  public var rank: Int?

  /// Alpha.
  @Option(help: "Alpha; the scale is alpha / rank (default: 4 times the rank).")
  public var alpha: Double?

  /// Strength of what is saved.
  @Option(
    help: "What is saved of what was trained: 0.5 saves experts whose change is half of it.")
  public var strength = 1.0

  /// Layers.
  @Option(
    help: "Layers to adapt: reference, attention, modulation, all, or suffixes joined by commas.")
  public var targets = "reference"

  /// Optimiser steps of each expert.
  @Option(help: "Optimiser steps of each expert (default: 60).")
  public var steps: Int?

  /// Items of a step.
  @Option(help: "Items whose gradients are averaged in a step.")
  public var batch = 1

  /// Learning rate.
  @Option(
    name: [.customLong("lr"), .customLong("learning-rate")],
    help: "Learning rate (default: the family's, 5e-4 or 3e-4).")
  public var lr: Double?

  /// Steps of the warm-up.
  @Option(help: "Steps over which the learning rate rises from 0.")
  public var warmup = 0

  /// Weight decay.
  @Option(help: "Decoupled weight decay (default: the family's, 0.01 or 0).")
  public var weightDecay: Double?

  /// Decay of the first moment.
  @Option(help: "Decay of the gradients' mean.") public var beta1 = 0.9
  /// Decay of the second moment.
  @Option(help: "Decay of the gradients' mean square.") public var beta2 = 0.999
  /// Added to the root.
  @Option(help: "Added to the root of the mean square.") public var eps = 1e-8

  /// Largest norm of gradients.
  @Option(help: "Largest norm of the gradients; 0 clips nothing.")
  public var clip = 1.0

  /// Share of empty captions.
  @Option(help: "Share of captions replaced by the empty one (default: the family's, 0 or 0.1).")
  public var captionDropout: Double?

  /// Guidance value.
  @Option(
    help: """
      Guidance value that FLUX.1 is trained at (default: 1 where it learns pictures, else 3.5); it is drawn \
      at 3.5 in either case unless this says otherwise.
      """)
  public var guidance: Double?

  /// Seed.
  @Option(help: "Seed of the run.")
  public var seed: UInt64 = 0

  /// Whose arithmetic is followed.
  @Option(
    help: "reference: the published code's arithmetic (bfloat16, random timesteps, guidance 1).")
  public var compat: Compatibility?

  /// Bytes of a step.
  @Option(
    help: """
      Bytes that a step may take beside the weights, such as 8GB (default: what leaves room for \
      their pages, at most half of the memory).
      """,
    transform: ByteSize.init(parsing:))
  public var memory: ByteSize?

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public mutating func validate() throws {
    try TrainingLimit.rank.check(rank)
    try TrainingLimit.alpha.check(alpha)
    try TrainingLimit.strength.check(strength)
    try TrainingLimit.steps.check(steps)
    try TrainingLimit.batch.check(batch)
    try TrainingLimit.lr.check(lr)
    try TrainingLimit.warmup.check(warmup)
    try TrainingLimit.weightDecay.check(weightDecay)
    try TrainingLimit.beta1.check(beta1)
    try TrainingLimit.beta2.check(beta2)
    try TrainingLimit.eps.check(eps)
    try TrainingLimit.clip.check(clip)
    try TrainingLimit.captionDropout.check(captionDropout)
    try TrainingLimit.guidance.check(guidance)
  }
}
