import Adapters
import Checkpoints
import CommandSupport
import Inspection
import JSON
import Pictures
import Safetensors
import SystemPackage
import Tensors

/// The report for people: a heading, facts in two columns, problems. Texts from files are escaped.
struct InspectionReport {
  private var heading = ""
  private var facts = TextTable([.left, .left])
  private var problems: [String] = []
  private var listing = ""
  private let isVerbose: Bool

  init(_ inspection: Inspection, isVerbose: Bool) {
    self.isVerbose = isVerbose
    switch inspection.subject {
    case .checkpoint(let description): add(description)
    case .adapter(let file, let glance): add(file, glance)
    case .bundle(let bundle, let glance): add(bundle, glance)
    case .pipeline(let pipeline, let components): add(pipeline, components)
    case .picture(let picture): add(picture)
    }
    addFiles(inspection)
    addMetadata(inspection.source?.metadata ?? [])
    problems = inspection.findings.map { finding in
      let word = Terminal.emphasised(
        finding.severity.rawValue, finding.severity == .error ? .red : .yellow)
      return "\(word): \(Terminal.safe(finding.text, limit: 600))"
    }
    heading =
      Terminal.emphasised(Terminal.safe(inspection.path.string, limit: 1000), .bold) + "\n"
      + "  \(heading)\n"
  }

  /// The whole report.
  var text: String {
    var text = heading + "\n" + facts.text(indent: 2)
    let limit = isVerbose ? Int.max : 10
    if !problems.isEmpty { text += "\n" }
    for problem in problems.prefix(limit) { text += "  \(problem)\n" }
    if problems.count > limit {
      text += "  and \(problems.count - limit) more (--verbose shows all)\n"
    }
    return text + listing
  }

  /// Adds a list of tensors.
  mutating func list(_ tensors: [TensorView]) {
    var table = TextTable([.left, .left, .left, .right, .right])
    table.add(["tensor", "dtype", "shape", "bytes", "offset"])
    for tensor in tensors {
      table.add([
        Terminal.safe(tensor.name), tensor.dtype.rawValue, "\(tensor.shape)",
        "\(tensor.byteCount)", tensor.fileOffset.map { "\($0)" } ?? "-",
      ])
    }
    listing = "\n" + table.text(indent: 2) + "  \(Readable.count(tensors.count, "tensor"))\n"
  }

  private mutating func add(_ label: String, _ value: String) { facts.add([label, value]) }
}

/// Checkpoints and pipelines.
extension InspectionReport {
  private mutating func add(_ description: CheckpointDescription) {
    switch description.subject {
    case .transformer(let architecture):
      let variant = description.variant?.title ?? "of an unknown variant"
      heading = "\(architecture.family.title) transformer, \(variant)"
      addArchitecture(architecture)
    case .component(_, _, let title): heading = title
    case .lookAlike(let title): heading = "\(title), which this toolkit doesn't read"
    case .unknown: heading = "tensors of no known model"
    }
    if let layout = description.layoutName {
      let prefix = description.prefix.isEmpty ? "" : ", prefix \(description.prefix)"
      add("layout", layout + prefix)
    }
    if let storage = description.storage { add("storage", storage) }
    if !description.bundled.isEmpty {
      let parts = description.bundled.map {
        "\($0.component) (\(Readable.count($0.tensorCount, "tensor")))"
      }
      add("also holds", parts.joined(separator: ", "))
    }
    addParameters(description.parameterCount, description.tensorCount, description.dtypes)
  }

  private mutating func addArchitecture(_ architecture: Architecture) {
    let dimensions = architecture.dimensions
    let blocks = architecture.family.blocks.map { kind in
      "\(dimensions.blockCount(kind.name))" + (kind.name == "blocks" ? "" : " \(kind.name)")
    }
    add("blocks", blocks.joined(separator: ", "))
    let sizes = architecture.family.dimensions.compactMap { dimension in
      dimensions[dimension.name].map { "\(dimension.name) \($0)" }
    }
    add("dimensions", sizes.joined(separator: ", "))
    let flags = architecture.family.flags.filter { dimensions.flags[$0.name] == true }
    if !flags.isEmpty { add("has", flags.map(\.name).joined(separator: ", ")) }
  }

  private mutating func add(
    _ pipeline: PipelineFolder, _ components: [Inspection.PipelineComponent]
  ) {
    heading = "\(pipeline.family?.title ?? "unknown") pipeline, \(pipeline.className.safe)"
    for component in components {
      var text = component.className.safe
      if let inspection = component.inspection {
        text += ", \(Readable.parameters(inspection.parameterCount)) parameters"
        text += ", \(Readable.bytes(inspection.byteCount))"
        if case .checkpoint(let description) = inspection.subject {
          text += ", " + description.dtypes.map(\.dtype.rawValue).joined(separator: " ")
          if let variant = description.variant { text += ", " + variant.title }
        }
      } else if component.fault != nil {
        text += ", unreadable"
      }
      add(component.name.safe, text)
    }
  }
}

/// Adapters and bundles.
extension InspectionReport {
  private mutating func add(_ file: AdapterFile, _ glance: GlanceMetadata) {
    let summary = AdapterSummary(file)
    let families = file.families.map(\.title).joined(separator: " or ")
    heading = "LoRA adapter for \(families.isEmpty ? "no known family" : families)"
    if let phase = glance.phase { heading += ", phase \(phase)" }
    let dialects = file.dialects.map {
      "\($0.title)" + (file.dialects.count > 1 ? " (\($0.entryCount))" : "")
    }
    add("dialect", dialects.joined(separator: " + "))
    let fused =
      summary.moduleCount == file.entries.count
      ? "" : ", standing for \(Readable.count(summary.moduleCount))"
    add("modules", Readable.count(file.entries.count) + fused)
    addTargets(summary)
    add("rank", file.ranks.map { "\($0)" }.joined(separator: ", "))
    add("scale", scaleText(file))
    let elements = file.entries.count == 0 ? 0 : file.factorElementCount
    add("parameters", Readable.parameters(elements))
    addGlance(glance)
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
    let sources = file.scaleSources.map { source in
      switch source {
      case .alphaTensor: "from alpha tensors"
      case .header: "from lora_adapter_metadata"
      case .assumed: "assumed: no alpha is stored"
      case .given: "given"
      }
    }
    if !sources.isEmpty { text += " (\(sources.joined(separator: ", ")))" }
    return text
  }

  private mutating func addTargets(_ summary: AdapterSummary) {
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

  private mutating func add(_ bundle: ExpertBundle, _ glance: GlanceMetadata) {
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
    addGlance(glance)
  }

  private mutating func addGlance(_ glance: GlanceMetadata) {
    if let sigmas = glance.sigmas { add("schedule", Terminal.safe(sigmas, limit: 400)) }
    if let size = glance.imageSize { add("made for", "\(size.width)x\(size.height)") }
  }
}

/// What every report has.
extension InspectionReport {
  private mutating func addParameters(
    _ count: Int, _ tensorCount: Int, _ dtypes: [CheckpointDescription.DTypeShare]
  ) {
    add("parameters", "\(Readable.parameters(count)) (\(Readable.count(count)))")
    let types = dtypes.map {
      "\($0.dtype.rawValue) (\(Readable.count($0.tensorCount)), \(Readable.bytes($0.byteCount)))"
    }
    add("tensors", "\(Readable.count(tensorCount)): " + types.joined(separator: ", "))
  }

  private mutating func add(_ picture: PictureDescription) {
    heading = "\(picture.format.name) picture, \(picture.width)x\(picture.height)"
    add(
      "samples",
      "\(picture.color.rawValue), \(Readable.count(picture.channels, "channel")) of "
        + Readable.count(picture.bitDepth, "bit"))
    addMetadata(picture.texts.map { ($0.key, $0.text) })
    if picture.skippedTextCount > 0 {
      add("", "\(Readable.count(picture.skippedTextCount, "text")) left unread")
    }
  }

  private mutating func addFiles(_ inspection: Inspection) {
    if case .picture = inspection.subject { return }
    guard let source = inspection.source else {
      add(
        "in all",
        "\(Readable.parameters(inspection.parameterCount)) parameters, "
          + Readable.bytes(inspection.byteCount))
      return
    }
    let files = source.files.count == 1 ? "one file" : "\(source.files.count) shards"
    add("container", "safetensors, \(files), \(Readable.bytes(source.byteCount))")
  }

  private mutating func addMetadata(_ metadata: [(key: String, value: String)]) {
    let limit = isVerbose ? Int.max : 12
    for (index, (key, value)) in metadata.prefix(limit).enumerated() {
      let isNested = key == "lora_adapter_metadata" || key.hasSuffix(".metadata")
      let text =
        isNested && !isVerbose
        ? "JSON of \(Readable.count(value.unicodeScalars.count, "character"))"
        : Terminal.safe(value, limit: isVerbose ? 4000 : 100)
      add(index == 0 ? "metadata" : "", "\(Terminal.safe(key, limit: 80)) = \(text)")
    }
    if metadata.count > limit {
      add("", "and \(metadata.count - limit) more (--verbose shows all)")
    }
  }
}

extension String {
  fileprivate var safe: String { Terminal.safe(self) }
}
