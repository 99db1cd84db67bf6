public import Compute
public import JSON

/// Everything a run needs to continue as if it had never stopped: the random streams are keyed by
/// seed and step, so factors, moments and the step number are all there is.
public struct TrainingState: Sendable, Equatable {
  /// Steps taken; also the number of the next step, counted from 0.
  public var step: Int
  /// The factors being trained.
  public var adapter: TrainableAdapter
  /// The optimiser with its moments.
  public var optimiser: AdamW
  /// What the run was asked for, and the digests of what it reads: a state continues only a run
  /// with the same settings.
  public let settings: JSONObject
  /// What the products ran on, in order; more than one name where the run went on elsewhere. It
  /// decides the last bits, and a state goes on all the same.
  public internal(set) var arithmetic: [String]

  /// The state of a run.
  public init(
    step: Int = 0, adapter: TrainableAdapter, optimiser: AdamW, settings: JSONObject,
    arithmetic: [String] = [Arithmetic.name]
  ) {
    self.step = step
    self.adapter = adapter
    self.optimiser = optimiser
    self.settings = settings
    self.arithmetic = arithmetic
  }

  /// Applies the gradients of the next step, by module name.
  public mutating func apply(_ gradients: [String: FactorGradients], learningRate: Double) {
    optimiser.step(&adapter, gradients: gradients, learningRate: learningRate)
    step += 1
  }
}
