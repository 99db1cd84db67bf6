/// How many singular values of a change are kept.
///
/// Energy is the square of the Frobenius norm: the sum of the squares of the singular values. Of
/// all changes of a rank, the one made of the largest singular values keeps most.
///
/// Source: Eckart and Young, "The approximation of one matrix by another of lower rank" (1936).
public enum RankRule: Sendable, Equatable {
  /// This many of every module, or all where there are fewer.
  case rank(Int)
  /// As few as keep this share of every module's energy, and no more than a number.
  case energy(Double, maximumRank: Int = .max)

  /// Refuses ranks below 1 and shares outside (0, 1].
  func check() throws {
    switch self {
    case .rank(let rank):
      guard rank >= 1 else { throw AlgebraError.usage("rank \(rank); expected 1 or more") }
    case .energy(let share, let maximum):
      guard share > 0, share <= 1 else {
        throw AlgebraError.usage("energy share \(share); expected a number over 0, at most 1")
      }
      guard maximum >= 1 else { throw AlgebraError.usage("rank \(maximum); expected 1 or more") }
    }
  }

  /// How many of these values, largest first, are kept: at least one.
  ///
  /// - Parameters:
  ///   - values: the singular values.
  ///   - noise: values up to here are rounding, and never kept.
  /// - Returns: the rank.
  func rank(of values: [Double], noise: Double) -> Int {
    let count = max(1, values.count { $0 > noise })
    switch self {
    case .rank(let rank): return min(rank, count)
    case .energy(let share, let maximum):
      let total = values.energy
      var kept = 0.0
      for (index, value) in values.prefix(min(count, maximum)).enumerated() {
        kept += value * value
        if kept >= share * total { return index + 1 }
      }
      return min(count, maximum)
    }
  }
}

extension Sequence<Double> {
  /// The sum of squares.
  var energy: Double { reduce(0) { $0 + $1 * $1 } }
}

/// What lower ranks kept of an adapter.
public struct RankReport: Sendable {
  /// One module.
  public struct Module: Sendable, Equatable {
    /// Canonical path; of a text encoder's module behind the component's name.
    public internal(set) var path: String
    /// Rank before: of several combined adapters, the sum.
    public let oldRank: Int
    /// Rank after.
    public let newRank: Int
    /// Norm of the change before, scale and weights included.
    public let norm: Double
    /// Share of the squared norm that is kept; 1 for a change that is zero.
    public let energyKept: Double
  }

  /// In the adapter's order.
  public internal(set) var modules: [Module]

  /// Share of the squared norm of all modules together that is kept.
  public var energyKept: Double {
    let total = modules.lazy.map(\.norm).energy
    guard total > 0 else { return 1 }
    return modules.reduce(0) { $0 + $1.energyKept * $1.norm * $1.norm } / total
  }
}
