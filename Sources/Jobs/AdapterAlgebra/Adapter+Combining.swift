public import Adapters
internal import Checkpoints
internal import Concurrency
internal import Tensors

/// An adapter and how much of it goes into a combination.
public struct WeightedAdapter: Sendable {
  /// The adapter.
  public var adapter: Adapter
  /// What its changes are multiplied by.
  public var weight: Double

  /// An adapter at a weight.
  public init(_ adapter: Adapter, weight: Double = 1) {
    self.adapter = adapter
    self.weight = weight
  }
}

extension Adapter {
  /// The weighted sum of adapters as one adapter, exactly: A's below each other, B's side by side,
  /// so that ranks add up. A's that are equal are there once, with the sum of their B's.
  ///
  /// A scale times weight that all parts of a module share stays outside as its scale, and the
  /// factors keep their bits. Otherwise it is multiplied into B, each of whose entries is rounded
  /// once, to float32, and the scale is 1. Modules that only some of the adapters have are kept,
  /// parts of weight zero are left out. The result has no metadata.
  ///
  /// Source: huggingface/peft, `tuners/lora/model.py`, `add_weighted_adapter`, combination type
  /// `cat`; here without square roots of weights.
  ///
  /// - Parameter parts: the adapters, of one family.
  /// - Returns: modules in the order of the first adapter, then those that others add.
  /// - Throws: ``AlgebraError``, when shapes disagree or a number isn't finite.
  public static func combining(_ parts: [WeightedAdapter]) throws -> Adapter {
    let sums = try ModuleSum.list(parts)
    let modules = try Parallel.map(sums.count, work: sums.reduce(0) { $0 + $1.elementCount }) {
      index throws in try sums[index].concatenated()
    }
    return Adapter(family: parts.lazy.compactMap(\.adapter.family).first, modules: modules)
  }

  /// The weighted sum of adapters, each module reduced to the closest change of a lower rank.
  ///
  /// - Parameters:
  ///   - parts: the adapters, of one family.
  ///   - rule: how many singular values every module keeps.
  /// - Returns: the adapter, float32, every scale 1, and what it keeps of the exact sum.
  /// - Throws: ``AlgebraError``, when shapes disagree or a number isn't finite.
  public static func combining(
    _ parts: [WeightedAdapter], reducedTo rule: RankRule
  ) throws -> (adapter: Adapter, report: RankReport) {
    try rule.check()
    let sums = try ModuleSum.list(parts)
    let work = parts.reduce(0) { $0 + $1.adapter.decompositionWork }
    let results = try Parallel.map(sums.count, work: work) { index throws in
      let product = try LowRankProduct(sums[index].parts)
      return try product.decomposed().truncated(rule, oldRank: product.rank)
    }
    let family = parts.lazy.compactMap(\.adapter.family).first
    return (
      Adapter(family: family, modules: results.map(\.module)),
      RankReport(modules: results.map(\.report))
    )
  }
}

/// What several adapters do to one module.
private struct ModuleSum: Sendable {
  /// At least one, of one shape.
  var parts: [(factor: Double, module: AdapterModule)]

  var elementCount: Int {
    parts.reduce(0) { $0 + $1.module.down.elementCount + $1.module.up.elementCount }
  }

  /// Every module that a part changes.
  static func list(_ parts: [WeightedAdapter]) throws -> [ModuleSum] {
    var sums: [ModuleSum] = []
    let index = TensorIndex(parts.flatMap { $0.adapter.modules.map(\.path) })
    var positions: [Int: Int] = [:]
    let family = parts.lazy.compactMap(\.adapter.family).first
    for part in parts {
      guard part.weight.isFinite else {
        throw AlgebraError.usage("weight \(part.weight); expected a finite number")
      }
      if let own = part.adapter.family, let family, own.name != family.name {
        throw AlgebraError.otherFamily(expected: family.title, found: own.title)
      }
      for module in part.adapter.modules where part.weight != 0 {
        guard let name = index[module.path] else { continue }
        guard let position = positions[name] else {
          positions[name] = sums.count
          sums.append(ModuleSum(parts: [(part.weight, module)]))
          continue
        }
        let first = sums[position].parts[0].module
        let expected = [first.outFeatures, first.inFeatures]
        let found = [module.outFeatures, module.inFeatures]
        guard expected == found else {
          throw AlgebraError.shapesDiffer(module: module.path, expected: expected, found: found)
        }
        sums[position].parts.append((part.weight, module))
      }
    }
    guard !sums.isEmpty else {
      throw AlgebraError.empty("no adapter to combine has a weight other than 0")
    }
    return sums
  }

  /// All parts as one module whose rank is the sum of theirs, equal A's counted once.
  func concatenated() throws -> AdapterModule {
    let first = parts[0].module
    let factors = parts.map { $0.factor * $0.module.scale }
    let isShared = factors.allSatisfy { $0 == factors[0] }
    var downs: [[Float]] = []
    var ups: [[(factor: Double, up: [Float])]] = []
    for (factor, part) in zip(factors, parts) {
      let down = try part.module.finiteDown()
      let up = (isShared ? 1 : factor, try part.module.finiteUp())
      if let known = downs.firstIndex(of: down) {
        ups[known].append(up)
      } else {
        downs.append(down)
        ups.append([up])
      }
    }
    let ranks = downs.map { $0.count / max(1, first.inFeatures) }
    let rank = ranks.reduce(0, +)
    var up = [Float](repeating: 0, count: first.outFeatures * rank)
    var start = 0
    for (summands, width) in zip(ups, ranks) {
      for row in 0..<first.outFeatures {
        for column in 0..<width {
          var sum = 0.0
          for (factor, values) in summands { sum += factor * Double(values[row * width + column]) }
          up[row * rank + start + column] = Float(sum)
        }
      }
      start += width
    }
    guard up.allSatisfy(\.isFinite), factors.allSatisfy(\.isFinite) else {
      throw AlgebraError.overflow(module: first.path)
    }
    return AdapterModule(
      path: first.path,
      down: TensorView(name: "", shape: [rank, first.inFeatures], downs.flatMap(\.self)),
      up: TensorView(name: "", shape: [first.outFeatures, rank], up),
      scale: isShared ? factors[0] : 1)
  }
}
