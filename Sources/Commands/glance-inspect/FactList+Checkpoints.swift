internal import Adapters
internal import Checkpoints
internal import Elements
internal import Inspection
internal import Reports

/// Checkpoints and pipelines.
extension FactList {
  mutating func add(_ description: CheckpointDescription) {
    switch description.subject {
    case .transformer(let architecture):
      let variant = description.variant?.title ?? "of an unknown variant"
      heading = "\(architecture.family.title) transformer, \(variant)"
      addArchitecture(architecture)
    case .component(_, _, let title): heading = title
    case .lookAlike(let title): heading = "\(title), which this toolkit doesn't read"
    case .unknown:
      heading = "tensors of no known model"
      addNames(description.namesBegin)
    }
    if !description.layers.isEmpty {
      add("layers", description.layers.map { "\($0.count) \($0.name)" }.joined(separator: ", "))
    }
    if let layout = description.layoutName {
      let prefix = description.prefix.isEmpty ? "" : ", prefix \(description.prefix)"
      add("layout", layout + prefix)
    }
    if let storage = description.storage {
      let layers = description.weights.layerCounts(under: description.prefix)
      add("storage", storage)
      add("layers", layers.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
    }
    if !description.bundled.isEmpty {
      let parts = description.bundled.map {
        "\($0.component) (\(Readable.count($0.tensorCount, "tensor")))"
      }
      add("also holds", parts.joined(separator: ", "))
    }
    addParameters(
      description.weights.lacksShapes(under: description.prefix)
        ? nil : description.parameterCount, description.tensorCount, description.dtypes)
  }

  /// What names begin with, those of most tensors where there are many.
  private mutating func addNames(_ groups: [(beginning: String, tensorCount: Int)]) {
    guard !groups.isEmpty else { return }
    let most = 8
    let shown =
      groups.count > most
      ? groups.enumerated().sorted {
        ($1.element.tensorCount, $0.offset) < ($0.element.tensorCount, $1.offset)
      }.prefix(most).map(\.element) : groups
    let texts = shown.map { "\($0.beginning.safe) (\(Readable.count($0.tensorCount)))" }
    let rest = groups.count - shown.count
    add(
      "names", (texts + (rest > 0 ? ["\(Readable.count(rest)) more"] : [])).joined(separator: ", "))
  }

  mutating func addArchitecture(_ architecture: Architecture) {
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

  mutating func add(
    _ pipeline: PipelineFolder, _ components: [Inspected.PipelineComponent]
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
