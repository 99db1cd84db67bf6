internal import Adapters
internal import Inspection
internal import Reports

extension Report.Section {
  /// What a loader would do with the adapter.
  init(_ loading: LoaderSimulation) {
    self.init("loaded by \(loading.title)")
    facts.append(("modules", "\(loading.loadedCount) of \(Readable.count(loading.moduleCount))"))
    if let refusal = loading.refusal { facts.append(("fails", refusal)) }
    for scale in loading.scales {
      let targets = scale.targets.prefix(14).map { SafeText.terminal($0) }.joined(separator: ", ")
      let more = scale.targets.count > 14 ? " and \(scale.targets.count - 14) more" : ""
      facts.append(
        (
          "scale",
          "\(Readable.significant(scale.scale, digits: 6)) for "
            + "\(Readable.count(scale.moduleCount, "module")): \(targets)\(more)"
        ))
    }
    if loading.refusal == nil || loading.ignoredKeyCount > 0 {
      facts.append(("keys ignored", Readable.count(loading.ignoredKeyCount)))
    }
    for (reason, keys) in loading.ignored {
      let shown = keys.prefix(3).map { "'\(SafeText.terminal($0))'" }.joined(separator: ", ")
      let more = keys.count > 3 ? " and \(keys.count - 3) more" : ""
      facts.append(("", "\(shown)\(more): \(reason)"))
    }
    lines = loading.warnings.map { "warning: " + SafeText.terminal($0, limit: 600) }
  }
}
