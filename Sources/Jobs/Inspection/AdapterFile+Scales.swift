public import Adapters

extension AdapterFile {
  /// The alphas that give the scales at the entries' ranks, each once, ascending.
  public var alphas: [Double] {
    let alphas = modules.compactMap { entry in
      entry.scale.flatMap { scale in entry.rank.map { scale * Double($0) } }
    }
    return Array(Set(alphas)).sorted()
  }

  /// What says so outside the tensors, each once: `lora_adapter_metadata`, `adapter_config.json`, a
  /// key of the header.
  public var scaleStatements: [String] {
    modules.reduce(into: []) { list, entry in
      guard let name = entry.scaleStatedBy, entry.scaleSource != .given else { return }
      if !list.contains(name) { list.append(name) }
    }
  }

  /// Who says what the scales are, each once.
  public var scaleSources: [AdapterModule.ScaleSource] {
    var sources: [AdapterModule.ScaleSource] = []
    for entry in modules where entry.scale != nil && !sources.contains(entry.scaleSource) {
      sources.append(entry.scaleSource)
    }
    return sources
  }
}
