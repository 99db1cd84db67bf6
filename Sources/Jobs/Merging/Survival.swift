/// What rounding left of an adapter's delta when it was added to a weight.
///
/// Wanted is the exact delta; survived is Q(W + delta) - Q(W), with Q the rounding to the output's
/// dtype.
public struct Survival: Sendable, Equatable {
  /// Sum of the squares of the wanted delta.
  public var wantedSquares = 0.0
  /// Sum of the squares of what survived.
  public var survivedSquares = 0.0
  /// Sum of their products.
  public var products = 0.0
  /// Entries of the weight that stayed as they were.
  public var unchangedCount = 0
  /// Entries of the weight.
  public var count = 0

  /// Nothing merged.
  public init() {}

  /// What a kernel summed: the squares of what was wanted and of what survived, their products, and
  /// how many entries stayed.
  init(totals: [Double], count: Int) {
    wantedSquares = totals[0]
    survivedSquares = totals[1]
    products = totals[2]
    unchangedCount = Int(totals[3])
    self.count = count
  }

  /// Frobenius norm of the wanted delta.
  public var norm: Double { wantedSquares.squareRoot() }

  /// Cosine between what was wanted and what survived: 1 when only the size changed, 0 when
  /// nothing survived; nil for a delta of zero, of which nothing can survive or be lost.
  public var cosine: Double? {
    guard wantedSquares > 0 else { return nil }
    guard survivedSquares > 0 else { return 0 }
    return products / (wantedSquares * survivedSquares).squareRoot()
  }

  /// How much of the wanted delta is there along its own direction: 1 when all of it, more where
  /// rounding exaggerates it; nil for a delta of zero.
  public var gain: Double? { wantedSquares > 0 ? products / wantedSquares : nil }

  /// Share of the weight's entries that the merge did not change.
  public var unchangedShare: Double { count > 0 ? Double(unchangedCount) / Double(count) : 1 }

  /// Both together.
  public static func + (left: Survival, right: Survival) -> Survival {
    var sum = left
    sum.wantedSquares += right.wantedSquares
    sum.survivedSquares += right.survivedSquares
    sum.products += right.products
    sum.unchangedCount += right.unchangedCount
    sum.count += right.count
    return sum
  }
}

/// What became of one module.
public struct ModuleSurvival: Sendable {
  /// The module's path.
  public let module: String
  /// What survived rounding.
  public let survival: Survival
}
