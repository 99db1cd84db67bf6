internal import Adapters
internal import Inspection
internal import Reports
internal import SystemPackage

/// Whether something fits a base.
extension Report.Section {
  init(_ fit: InspectionDetails.Fit) {
    switch fit {
    case .adapter(let fit): self.init(fit)
    case .checkpoint(let fit): self.init(fit)
    }
  }

  private init(_ fit: AdapterFit) {
    self.init("against \(SafeText.terminal(fit.base.string, limit: 1000))")
    facts.append(("base", fit.baseTitle))
    facts.append(("fits", fit.fits ? "yes" : "no"))
    if let madeFor = fit.madeFor { facts.append(("made for", madeFor)) }
    if fit.coverages.isEmpty, fit.faults.isEmpty {
      lines.append("the base is no transformer, so that no module can be adapted")
    }
    // Adapters of text encoders alone have no module of the transformer.
    let others = fit.textEncoders.count + fit.absentTextEncoders.count
    for (phase, coverage) in fit.coverages where coverage.moduleCount > 0 || others == 0 {
      add(coverage, named: phase ?? "modules")
    }
    for (component, coverage) in fit.textEncoders { add(coverage, named: component) }
    for component in fit.absentTextEncoders {
      facts.append(
        (SafeText.terminal(component), "not looked at: the base is no pipeline's folder with it"))
    }
    addList("unusable", fit.faults)
  }

  private mutating func add(_ coverage: AdapterCoverage, named name: String) {
    facts.append(
      (
        SafeText.terminal(name),
        "\(coverage.matchedCount) of \(coverage.moduleCount) fit; the base has "
          + Readable.count(coverage.adaptableCount, "module") + " that can be adapted"
      ))
    addList("unknown", coverage.unknown)
    addList(
      "other shape",
      coverage.wrongShape.map { mismatch in
        let expected = mismatch.expected.map { $0.map(String.init) ?? "?" }
        return
          "\(mismatch.path) \(mismatch.found), expected [\(expected.joined(separator: ", "))]"
      })
  }

  private init(_ fit: CheckpointFit) {
    self.init("against \(SafeText.terminal(fit.base.string, limit: 1000))")
    facts.append(("fits", fit.fits ? "yes" : "no"))
    if let mismatch = fit.mismatch {
      facts.append(
        ("kind", SafeText.terminal("\(mismatch.found), expected \(mismatch.expected)", limit: 400)))
    }
    facts.append(
      (
        fit.isByModules ? "modules" : "tensors",
        "\(Readable.count(fit.matchedCount)) of \(Readable.count(fit.tensorCount)) fit"
          + (fit.isByModules ? " (the layouts differ: parameters of modules are compared)" : "")
      ))
    addList("missing", fit.missing.map { "\($0.name) \($0.shape)" })
    addList("unexpected", fit.extra.map { "\($0.name) \($0.shape)" })
    addList(
      "other shape", fit.wrongShape.map { "\($0.name) \($0.shape), expected \($1.shape)" })
    addList(
      "stored otherwise",
      fit.otherDType.map { "\($0.name) \($0.storage), \($1.storage) there" })
  }

  /// The first few of a list, and how many more there are.
  mutating func addList(_ name: String, _ items: [String]) {
    guard !items.isEmpty else { return }
    let more = items.count > 5 ? "; and \(items.count - 5) more" : ""
    facts.append(
      (
        name,
        "\(items.count): "
          + items.prefix(5).map { SafeText.terminal($0, limit: 400) }.joined(separator: "; ")
          + more
      ))
  }
}
