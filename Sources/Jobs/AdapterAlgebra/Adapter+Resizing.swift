public import Adapters
internal import Concurrency

extension Adapter {
  /// The closest adapter of lower ranks: of every module the largest singular values and their
  /// vectors. Metadata stays; the scale of every module that is resized becomes 1.
  ///
  /// - Parameters:
  ///   - rule: how many singular values every module keeps.
  ///   - paths: the modules that are resized; nil: all.
  /// - Returns: the adapter, those modules float32, and what it keeps of them.
  /// - Throws: ``AlgebraError``, when a factor isn't finite.
  public func resized(
    to rule: RankRule, only paths: Set<String>? = nil
  ) throws -> (adapter: Adapter, report: RankReport) {
    try rule.check()
    let chosen = modules.indices.filter { paths?.contains(modules[$0].path) ?? true }
    let results = try Parallel.map(chosen.count, work: decompositionWork) {
      number throws in
      let module = modules[chosen[number]]
      return try LowRankProduct([(1, module)]).decomposed()
        .truncated(rule, oldRank: module.rank)
    }
    var adapter = self
    for (index, result) in zip(chosen, results) { adapter.modules[index] = result.module }
    return (adapter, RankReport(modules: results.map(\.report)))
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
