internal import Adapters
internal import Checkpoints
internal import Inspection
internal import Reports

/// Adapters and bundles.
extension FactList {
  mutating func add(_ file: AdapterFile, _ glance: GlanceMetadata) {
    let summary = AdapterSummary(file)
    heading = file.title
    if file.otherModel != nil { heading += ", which is not read" }
    if file.families.count == 1, file.family == nil { heading += " by its names" }
    if let phase = glance.phase { heading += ", phase \(phase)" }
    let dialects = file.dialects.map {
      "\($0.title)" + (file.dialects.count > 1 ? " (\($0.entryCount))" : "")
    }
    if !dialects.isEmpty { add("dialect", dialects.joined(separator: " + ")) }
    let fused =
      summary.moduleCount == file.modules.count || file.otherModel != nil
      ? "" : ", standing for \(Readable.count(summary.moduleCount))"
    let encoders = file.textEncoders
    if !file.modules.isEmpty || encoders.isEmpty {
      add("modules", Readable.count(file.modules.count) + fused)
    }
    for (component, modules) in encoders { add(component.safe, text(of: modules)) }
    for method in file.methods {
      add(
        "method",
        "\(method.title): \(Readable.count(method.modules.count, "module")), "
          + Readable.count(method.keyCount, "key"))
    }
    if !summary.targets.isEmpty { addTargets(summary) }
    if file.otherModel != nil, !file.layerCounts.isEmpty {
      add("layers", file.layerCounts.map { "\($0.count) \($0.name.safe)" }.joined(separator: ", "))
    }
    if !file.ranks.isEmpty {
      add("rank", file.ranks.map { "\($0)" }.joined(separator: ", "))
    }
    if !file.scales.isEmpty { add("scale", scaleText(file)) }
    add("parameters", Readable.parameters(file.parameterCount))
  }

  /// Modules of a text encoder in few words.
  private func text(of modules: [AdapterFile.Entry]) -> String {
    let (ranks, scales) = (modules.ranks, modules.scales)
    var text = Readable.count(modules.count, "module")
    if !ranks.isEmpty { text += ", rank \(ranks.map { "\($0)" }.joined(separator: ", "))" }
    if !scales.isEmpty {
      text +=
        ", scale \(scales.map { Readable.significant($0, digits: 6) }.joined(separator: ", "))"
    }
    return text
  }

  private func scaleText(_ file: AdapterFile) -> String {
    let scales = file.scales
    var text =
      scales.count <= 6
      ? scales.map { Readable.significant($0, digits: 6) }.joined(separator: ", ")
      : "\(Readable.significant(scales[0], digits: 6)) … "
        + Readable.significant(scales[scales.count - 1], digits: 6)
    if scales.count == 1, file.ranks.count == 1, let alpha = file.alphas.first {
      text += " = alpha \(Readable.significant(alpha, digits: 6)) / rank \(file.ranks[0])"
    }
    let sources =
      file.scaleSources.compactMap { source -> String? in
        switch source {
        case .alphaTensor: "from alpha tensors"
        case .header, .configuration: nil
        case .assumed: "assumed: no alpha is stored"
        case .given: "given"
        }
      } + file.scaleStatements.map { "from \($0.safe)" }
    if !sources.isEmpty { text += " (\(sources.joined(separator: ", ")))" }
    return text
  }

  mutating func addTargets(_ summary: AdapterSummary) {
    let shown = summary.targets.prefix(isVerbose ? Int.max : 14)
    var text = shown.map { "\($0.suffix.safe) ×\($0.moduleCount)" }.joined(separator: ", ")
    if shown.count < summary.targets.count {
      text += " and \(summary.targets.count - shown.count) more"
    }
    if let preset = summary.preset { text = "\(preset): " + text }
    add("targets", text)
    let blocks = summary.blockCounts.map { kind, count in
      kind == "blocks" ? "\(count)" : "\(count) \(kind)"
    }
    if !blocks.isEmpty { add("blocks", blocks.joined(separator: ", ")) }
  }

  mutating func add(_ bundle: ExpertBundle) {
    let family = bundle.experts.first?.adapter.family?.title
    heading = "bundle of \(Readable.count(bundle.experts.count, "expert"))"
    if let family { heading += " for \(family)" }
    for expert in bundle.experts {
      let adapter = expert.adapter
      let summary = AdapterSummary(paths: adapter.modules.map(\.path), family: adapter.family)
      add(
        (expert.phase ?? "").safe,
        "\(Readable.count(adapter.modules.count, "module"))"
          + (summary.preset.map { " (\($0))" } ?? "")
          + ", rank \(adapter.ranks.map { "\($0)" }.joined(separator: ", "))"
          + ", scale \(adapter.scales.map { Readable.significant($0, digits: 6) }.joined(separator: ", "))"
      )
    }
  }

  /// The phase of a checkpoint with an expert baked in, and the schedule that is declared.
  mutating func addDeclared(_ inspection: Inspected) {
    let declared = inspection.commonSchedule ?? inspection.declared
    if let phase = declared.phase {
      switch inspection.subject {
      case .checkpoint, .pipeline: heading += ", with the expert for phase \(phase) baked in"
      default: break
      }
    }
    addGlance(declared)
  }

  private mutating func addGlance(_ glance: GlanceMetadata) {
    if let sigmas = glance.sigmas { add("schedule", SafeText.terminal(sigmas, limit: 400)) }
    if let size = glance.imageSize { add("made for", "\(size.width)x\(size.height)") }
  }
}
