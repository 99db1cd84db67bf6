internal import Elements

/// Which of a phase's steps each training step visits; depends on the seed and the step only.
public struct VisitOrder: Sendable, Equatable {
  /// How visits are chosen.
  public enum Policy: Sendable, Equatable {
    /// Rounds that visit every step once, in a new order each round: visits differ by one at most.
    case stratified
    /// Each visit on its own, as the published training code does.
    case random
  }

  /// How visits are chosen.
  public let policy: Policy
  /// How many steps there are to visit.
  public let count: Int
  private let seed: UInt64

  /// An order of visits to `count` steps, at least one.
  public init(_ policy: Policy, count: Int, seed: UInt64) {
    precondition(count > 0, "there must be a step to visit")
    self.policy = policy
    self.count = count
    self.seed = seed
  }

  /// The index in `0..<count` that a visit, counted from 0, goes to.
  public func index(ofVisit visit: Int) -> Int {
    precondition(visit >= 0, "visits are counted from 0")
    switch policy {
    case .random:
      return stream(visit).integer(below: count, at: 0)
    case .stratified:
      let (round, position) = visit.quotientAndRemainder(dividingBy: count)
      return shuffledOrder(round: round)[position]
    }
  }

  /// The order of one round.
  ///
  /// **Source:** Durstenfeld, "Algorithm 235: Random permutation" (1964).
  private func shuffledOrder(round: Int) -> [Int] {
    let stream = stream(round)
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, stream.integer(below: last + 1, at: UInt64(last)))
    }
    return order
  }

  private func stream(_ step: Int) -> RandomStream {
    RandomStream(
      seed: seed, purpose: .timestepOrder, step: UInt32(truncatingIfNeeded: step))
  }
}
