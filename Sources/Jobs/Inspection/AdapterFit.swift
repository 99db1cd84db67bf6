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

  /// How what it does to text encoders meets those of the base, by component.
  public let textEncoders: [(component: String, coverage: AdapterCoverage)]
  /// Text encoders that it changes and the base doesn't have: one that is no pipeline's folder has none.
  public let absentTextEncoders: [String]

  /// Whether all modules of the adapter are there in the base, with their shapes.
  public var fits: Bool {
    let all = coverages.map(\.coverage) + textEncoders.map(\.coverage)
    return madeFor == nil && faults.isEmpty && !coverages.isEmpty
      && all.allSatisfy(\.isComplete) && all.contains { $0.moduleCount > 0 }
  }

  /// - Parameters:
  ///   - inspection: the adapter or bundle.
  ///   - base: the transformer.
  ///   - pipeline: the pipeline that it is of, whose text encoders are looked at.
  init(_ inspection: Inspected, against base: OpenedCheckpoint, of pipeline: PipelineFolder?) {
    self.base = pipeline?.path ?? base.path
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
      options.includesTextEncoders = true
      faults = (file.problems + file.textEncoderProblems).filter(\.isError).map(\.description)
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
    let parts = adapters.flatMap { $0.adapter.textEncoders.sorted { $0.key < $1.key } }
    let found = parts.map { component, part in
      (component, pipeline?.textEncoderEntries(of: component).map(part.coverage))
    }
    textEncoders = found.compactMap { component, coverage in coverage.map { (component, $0) } }
    absentTextEncoders = found.filter { $0.1 == nil }.map(\.0)
    coverages =
      base.description.architecture.map { architecture in
        adapters.map { ($0.phase, $0.adapter.coverage(of: architecture)) }
      } ?? []
  }
}

extension PipelineFolder {
  /// The tensors of a text encoder, or nil.
  fileprivate func textEncoderEntries(of component: String) -> [LayoutEntry]? {
    guard let opened = try? open(component), let model = opened.description.component,
      let layout = opened.description.layout
    else { return nil }
    return model.entries(in: layout)
  }
}
