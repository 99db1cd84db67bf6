internal import ArgumentParser

/// What `--strengths` takes: numbers between commas.
struct StrengthList {
  /// Factors of adapters' strengths, at least one, in the order given.
  let factors: [Double]

  /// Reads `0,0.5,1`.
  ///
  /// - Throws: for what is no number, and for the same number twice.
  init(parsing text: String) throws {
    factors = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let factor = Double(part), factor.isFinite else {
        throw ValidationError("expected numbers such as 0,0.5,1, found '\(part)'")
      }
      return factor
    }
    guard Set(factors).count == factors.count else {
      throw ValidationError("expected different numbers, found one twice")
    }
  }
}
