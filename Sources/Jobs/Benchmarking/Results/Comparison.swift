/// What was timed together, and against what.
public struct Comparison: Sendable {
  /// What is compared.
  public enum Basis: String, Sendable {
    /// Operations in a second of computing: above 1 is faster than the reference.
    case rate = "operations-per-cpu-second"
    /// Seconds that passed: below 1 is faster.
    case wall = "wall-seconds"
  }

  /// Memory that a run took beside the weights.
  public struct Memory: Sendable {
    /// The most anonymous bytes, above those before the run.
    public let anonymous: Int
    /// What the plan of such a run says.
    public let planned: Int
  }

  /// What this has in common with others, such as the direction of a product.
  public let group: String
  /// What it is among those.
  public let name: String
  /// What is compared.
  public let basis: Basis
  /// What was timed; the last is what all are held against, a rival or a limit.
  public let timings: [Timing]
  /// Memory, where it was watched.
  public let memory: Memory?

  /// A comparison of some timings, the reference last.
  package init(
    _ group: String, _ name: String, basis: Basis, _ timings: [Timing], memory: Memory? = nil
  ) {
    precondition(!timings.isEmpty, "something is held against something")
    self.group = group
    self.name = name
    self.basis = basis
    self.timings = timings
    self.memory = memory
  }

  /// What all are held against.
  public var reference: Timing { timings[timings.count - 1] }

  /// A timing over the reference's.
  public func ratio(_ timing: Timing) -> Double {
    switch basis {
    case .rate: (timing.rate ?? .nan) / (reference.rate ?? .nan)
    case .wall: timing.wall / reference.wall
    }
  }
}
