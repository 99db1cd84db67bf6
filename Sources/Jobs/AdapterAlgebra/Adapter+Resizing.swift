public import Adapters
internal import Concurrency

extension Adapter {
  /// The closest adapter of lower ranks: of every module the largest singular values and their
  /// vectors. Metadata stays; the scale of every module that is resized becomes 1.
  ///
  /// - Parameters:
  ///   - rule: how many singular values every module keeps.
  ///   - names: the modules that are resized, by the names that ``name(of:in:)`` gives them; nil: all.
  /// - Returns: the adapter, those modules float32, and what it keeps of them.
  /// - Throws: ``AlgebraError``, when a factor isn't finite.
  public func resized(
    to rule: RankRule, only names: Set<String>? = nil
  ) throws -> (adapter: Adapter, report: RankReport) {
    try rule.check()
    var (adapter, reports) = (self, [RankReport.Module]())
    adapter.parts = try parts.map { component, part in
      func name(_ path: String) -> String { Adapter.name(of: path, in: component) }
      var part = part
      let modules = part.modules
      let chosen = modules.indices.filter { names?.contains(name(modules[$0].path)) ?? true }
      let results = try Parallel.map(chosen.count, work: modules.decompositionWork) {
        number throws in
        let module = modules[chosen[number]]
        return try LowRankProduct([(1, module)]).decomposed()
          .truncated(rule, oldRank: module.rank)
      }
      for (index, var result) in zip(chosen, results) {
        part.modules[index] = result.module
        result.report.path = name(result.module.path)
        reports.append(result.report)
      }
      return (component, part)
    }
    return (adapter, RankReport(modules: reports))
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

  /// Roughly how many operations the decomposition of the transformer's modules takes.
  var decompositionWork: Int { modules.decompositionWork }
}

extension [AdapterModule] {
  /// Roughly how many operations the decomposition of all takes.
  fileprivate var decompositionWork: Int {
    reduce(0) { $0 + 8 * $1.rank * $1.rank * ($1.inFeatures + $1.outFeatures) }
  }
}

extension AdapterModule {
  /// The singular values of scale · up · down, largest first; as many as the smallest of rank and
  /// sizes, the last of which may be zero but for rounding.
  public func singularValues() throws -> [Double] {
    try LowRankProduct([(1, self)]).decomposed().values
  }
}
