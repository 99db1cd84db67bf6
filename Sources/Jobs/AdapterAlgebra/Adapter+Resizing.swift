public import Adapters
internal import Concurrency

extension Adapter {
  /// The closest adapter of lower ranks: of every module the largest singular values and their
  /// vectors. Metadata stays; every scale becomes 1.
  ///
  /// - Parameter rule: how many singular values every module keeps.
  /// - Returns: the adapter, float32, and what it keeps.
  /// - Throws: ``AlgebraError``, when a factor isn't finite.
  public func resized(
    to rule: RankRule
  ) throws -> (adapter: Adapter, report: RankReport) {
    try rule.check()
    let results = try Parallel.map(modules.count, work: decompositionWork) {
      index throws in
      try LowRankProduct([(1, modules[index])]).decomposed()
        .truncated(rule, oldRank: modules[index].rank)
    }
    return (
      Adapter(family: family, modules: results.map(\.module), metadata: metadata),
      RankReport(modules: results.map(\.report))
    )
  }

  /// The same adapter at another strength: scales are multiplied, factors stay the bits they are.
  public func strengthened(by factor: Double) throws -> Adapter {
    guard factor.isFinite else {
      throw AlgebraError.usage("strength \(factor); expected a finite number")
    }
    var adapter = self
    for index in adapter.modules.indices {
      adapter.modules[index].scale *= factor
      guard adapter.modules[index].scale.isFinite else {
        throw AlgebraError.overflow(module: modules[index].path)
      }
    }
    return adapter
  }

  /// Roughly how many operations the decomposition of all modules takes.
  var decompositionWork: Int {
    modules.reduce(0) { $0 + 8 * $1.rank * $1.rank * ($1.inFeatures + $1.outFeatures) }
  }
}

extension AdapterModule {
  /// The singular values of scale · up · down, largest first; as many as the smallest of rank and
  /// sizes, the last of which may be zero but for rounding.
  public func singularValues() throws -> [Double] {
    try LowRankProduct([(1, self)]).decomposed().values
  }
}
