public import Adapters
internal import Checkpoints
public import SystemPackage

/// Whether an adapter, or every expert of a bundle, fits a base.
public struct AdapterFit: Sendable {
  /// The checkpoint that it should fit.
  public let base: FilePath
  /// What the base is: `FLUX.1 transformer`.
  public let baseTitle: String
  /// What the adapter was made for, when that isn't the base's family.
  public let madeFor: String?
  /// Why the adapter can't be used with any base, one sentence each; modules of no known name.
  public let faults: [String]
  /// How its modules meet those of the base, for each phase of a bundle; none when the base isn't a
  /// transformer, or the adapter can't be used.
  public let coverages: [(phase: String?, coverage: AdapterCoverage)]

  /// Whether all modules of the adapter are there in the base, with their shapes.
  public var fits: Bool {
    madeFor == nil && faults.isEmpty && !coverages.isEmpty
      && coverages.allSatisfy { $0.coverage.isComplete && $0.coverage.moduleCount > 0 }
  }

  init(_ inspection: Inspected, against base: OpenedCheckpoint) {
    self.base = base.path
    baseTitle = base.description.title
    let families: [String]
    var faults: [String] = []
    var adapters: [(phase: String?, adapter: Adapter)] = []
    switch inspection.subject {
    case .adapter(let file, let glance):
      families = file.families.map(\.name)
      var options = AdapterReadingOptions()
      options.isPartial = true
      options.otherMethods = .asTheyAre
      options.checksValues = false
      faults = file.problems.filter(\.isError).map(\.description)
      if let adapter = try? file.adapter(options) { adapters = [(glance.phase, adapter)] }
    case .bundle(let bundle, _):
      families = bundle.experts.compactMap { $0.adapter.family?.name }
      adapters = bundle.experts.map { ($0.phase, $0.adapter) }
    default: families = []
    }
    let isOther =
      !families.isEmpty && base.description.family.map { !families.contains($0.name) } ?? false
    let titles = adapters.compactMap { $0.adapter.family?.title }
    madeFor = isOther ? titles.first ?? families[0] : nil
    self.faults = faults
    coverages =
      base.description.architecture.map { architecture in
        adapters.map { ($0.phase, $0.adapter.coverage(of: architecture)) }
      } ?? []
  }
}
