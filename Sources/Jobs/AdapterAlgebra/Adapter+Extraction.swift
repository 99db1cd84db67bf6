public import Adapters
public import Checkpoints
internal import Compute
public import Tensors

/// How an adapter is made of the difference of two checkpoints.
public struct ExtractionOptions: Sendable {
  /// The most singular values that a module keeps.
  public var rank: Int
  /// The share of a module's energy at which fewer are enough; nil keeps all ``rank``.
  public var energy: Double?
  /// Suffixes of module paths, as adapters' targets are given; nil for every linear module.
  public var targets: [String]?
  /// Names the random numbers of large matrices' decompositions.
  public var seed: UInt64 = 0

  /// A rank for every linear module.
  public init(rank: Int, energy: Double? = nil, targets: [String]? = nil) {
    self.rank = rank
    self.energy = energy
    self.targets = targets
  }

  fileprivate var rule: RankRule {
    energy.map { .energy($0, maximumRank: rank) } ?? .rank(rank)
  }
}

/// What an extraction found.
public struct ExtractionReport: Sendable {
  /// The modules of the adapter; old ranks are the smaller sizes of their weights.
  public var ranks = RankReport(modules: [])
  /// Norms of the base's weights, one for each module of ``ranks``.
  public var baseNorms: [Double] = []
  /// Paths of targeted modules whose weights are equal.
  public var unchanged: [String] = []
  /// Differences that the adapter doesn't carry.
  public var leftOut: [LeftOut] = []

  /// A parameter that was changed and can't be part of the adapter.
  public struct LeftOut: Sendable, Equatable {
    /// Canonical name, such as `norm_out.linear.bias`.
    public let name: String
    /// Norm of tuned minus base.
    public let norm: Double
    /// Norm of the base.
    public let baseNorm: Double
    /// Why.
    public let reason: Reason
  }

  /// Why an adapter doesn't carry a difference.
  public enum Reason: String, Sendable {
    /// Biases, norms and embeddings are nothing a LoRA changes.
    case notLowRank = "not the weight of a linear module"
    /// A linear module that no target selects.
    case notTargeted = "not among the targets"
  }
}

extension Adapter {
  /// The adapter that takes a base closest to a tuned checkpoint: of every linear module's weight
  /// difference the leading singular values.
  ///
  /// The two may be of different layouts, dtypes and containers. Modules come one after another,
  /// each on all threads, so that memory is that of one difference in float32 (226 MB for FLUX's
  /// largest, 18432 x 3072) and of the search's space (some 40 to 250 MB), whatever the number of
  /// threads. Results don't depend on it either.
  ///
  /// - Parameters:
  ///   - base: what the adapter will be added to.
  ///   - tuned: what it shall then give.
  ///   - options: rank, targets.
  ///   - progress: called before every parameter with its number, their count and its module; false
  ///     ends the extraction.
  /// - Returns: the adapter, float32 and every scale 1, and a report; nil when progress ended it.
  /// - Throws: ``AlgebraError``: for checkpoints of different models, weights that can't be computed
  ///   with, numbers that aren't finite, or no difference at all.
  public static func extracted(
    base: OpenedCheckpoint, tuned: OpenedCheckpoint, _ options: ExtractionOptions,
    progress: (_ index: Int, _ count: Int, _ module: String) -> Bool = { _, _, _ in true }
  ) throws -> (adapter: Adapter, report: ExtractionReport)? {
    let extraction = try Extraction(base: base, tuned: tuned, options)
    var modules: [AdapterModule] = []
    var report = ExtractionReport()
    let parameters = extraction.parameters
    for (index, parameter) in parameters.enumerated() {
      guard progress(index, parameters.count, parameter.module.path) else { return nil }
      if let module = try extraction.run(parameter, &report) { modules.append(module) }
    }
    guard !modules.isEmpty else {
      throw AlgebraError.empty(
        "\(tuned.source.path): every targeted weight equals that of \(base.source.path)")
    }
    return (Adapter(family: extraction.family, modules: modules), report)
  }
}

extension AdapterModule {
  /// The module that takes a weight closest to a tuned one, and what it keeps of the difference.
  ///
  /// - Parameters:
  ///   - path: canonical path of the module.
  ///   - base: `[outFeatures, inFeatures]`, of a floating type.
  ///   - tuned: of the same shape.
  ///   - options: rank, energy and seed.
  /// - Returns: the module, float32 and scale 1; of a difference of zero, zero at rank 1.
  /// - Throws: ``AlgebraError``, when the two can't be compared or a number isn't finite.
  public static func extracted(
    path: String, base: TensorView, tuned: TensorView, _ options: ExtractionOptions
  ) throws -> (module: AdapterModule, report: RankReport.Module) {
    try options.rule.check()
    guard base.shape == tuned.shape, base.shape.count == 2 else {
      throw AlgebraError.shapesDiffer(module: path, expected: base.shape, found: tuned.shape)
    }
    return try WeightDifference(base: NamedWeight(base), tuned: NamedWeight(tuned))
      .truncated(path: path, options)
  }
}

extension WeightDifference {
  fileprivate func truncated(
    path: String, _ options: ExtractionOptions
  ) throws -> (module: AdapterModule, report: RankReport.Module) {
    try RangeFinder(rank: options.rank, seed: options.seed)
      .decompose(path: path, values, energy: energy)
      .truncated(options.rule, oldRank: min(values.rows, values.columns), total: energy)
  }
}

/// The steps of an extraction.
private struct Extraction {
  let base: ComparedSide
  let tuned: ComparedSide
  let options: ExtractionOptions
  let family: ModelFamily
  /// Every parameter of the model, in its order.
  let parameters: [(module: Architecture.Module, name: String, isTarget: Bool)]

  init(
    base: OpenedCheckpoint, tuned: OpenedCheckpoint, _ options: ExtractionOptions
  ) throws {
    try options.rule.check()
    self.base = try ComparedSide(base)
    self.tuned = try ComparedSide(tuned)
    self.options = options
    let architecture = self.base.architecture
    guard architecture.family.name == self.tuned.architecture.family.name else {
      throw AlgebraError.differentModels(
        base: base.source.path, tuned: tuned.source.path,
        detail: "found \(self.tuned.summary), expected \(self.base.summary)")
    }
    guard architecture.dimensions == self.tuned.architecture.dimensions else {
      let phrases = ArchitectureDifference(self.tuned.architecture, from: architecture).phrases
      throw AlgebraError.differentModels(
        base: base.source.path, tuned: tuned.source.path,
        detail: (phrases.isEmpty
          ? "blocks are numbered otherwise" : phrases.joined(separator: "; "))
          + "; extract against the variant that it was tuned from")
    }
    family = architecture.family
    let targets = Set(
      try options.targets.map { list throws in
        try architecture.modules(matching: list)
      }?.map(\.path) ?? architecture.linearModules.map(\.path))
    parameters = architecture.modules.flatMap { module in
      module.parameters.map { parameter in
        (
          module, parameter.name,
          parameter.name == "weight" && module.template.kind == .linear
            && targets.contains(module.path)
        )
      }
    }
  }

  /// Compares one parameter; returns what the adapter has of it.
  func run(
    _ parameter: (module: Architecture.Module, name: String, isTarget: Bool),
    _ report: inout ExtractionReport
  ) throws -> AdapterModule? {
    let module = parameter.module
    let before = try base.weight(parameter.name, of: module)
    let after = try tuned.weight(parameter.name, of: module)
    guard before.weight.shape == after.weight.shape else {
      throw AlgebraError.differentModels(
        base: base.path, tuned: tuned.path,
        detail: "'\(after.name)' is \(after.weight.shape), "
          + "'\(before.name)' \(before.weight.shape)")
    }
    let difference = try WeightDifference(base: before, tuned: after)
    guard difference.energy > 0 else {
      if parameter.isTarget { report.unchanged.append(module.path) }
      return nil
    }
    guard parameter.isTarget else {
      let isLinear = module.template.kind == .linear && parameter.name == "weight"
      report.leftOut.append(
        ExtractionReport.LeftOut(
          name: "\(module.path).\(parameter.name)", norm: difference.energy.squareRoot(),
          baseNorm: difference.baseEnergy.squareRoot(),
          reason: isLinear ? .notTargeted : .notLowRank))
      return nil
    }
    let (adapted, ranks) = try difference.truncated(path: module.path, options)
    report.ranks.modules.append(ranks)
    report.baseNorms.append(difference.baseEnergy.squareRoot())
    return adapted
  }
}
