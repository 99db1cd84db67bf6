internal import Adapters
internal import Checkpoints
internal import JSON
internal import Merging
internal import Pipelines

/// What adapters do to the text encoders of a model.
struct EncoderChanges {
  private let adapters: [MergedAdapter]

  /// What the adapters of a run do.
  init(_ adapters: [AppliedAdapter]) { self.adapters = adapters.compactMap(\.mergedIntoEncoders) }

  /// Tells changes apart, so that states of a text are not taken for those of another text encoder; empty
  /// where nothing is changed. What is merged is in it: scales depend on more than the file.
  var identity: [String] {
    adapters.flatMap { merged in
      ["\(merged.file) \(merged.strength) \(merged.blocks.json.text())"]
        + merged.adapter.textEncoders.sorted { $0.key < $1.key }.flatMap(Self.identity)
    }
  }

  private static func identity(of component: String, _ part: AdapterPart) -> [String] {
    let modules = part.modules.map { "\(component) \($0.path) \($0.scale)" }
    return modules + part.changes.map { "\(component) \($0.parameterName) \($0.scale)" }
  }

  /// Merges them into a text encoder when it is opened; nil where nothing is changed.
  var merge: EncoderMerge? {
    guard !adapters.isEmpty else { return nil }
    return { [adapters] opened, component in
      let changing = adapters.filter { $0.adapter.textEncoders[component] != nil }
      return try changing.isEmpty
        ? nil : opened.parameters(merging: changing, ofEncoder: component)
    }
  }
}
