internal import JSON
internal import Tensors
internal import Text

/// Something outside the tensors that says what an adapter's scale is.
struct ScaleStatement: Sendable {
  /// What messages call it: `lora_adapter_metadata`, `adapter_config.json`, `the header's 'alpha'`.
  let name: String
  /// Where it stands.
  let source: AdapterModule.ScaleSource
  let header: AdapterHeader
  /// Whether it is a key by itself rather than a description of the adapter.
  let isSingleKey: Bool
}

/// Gathering what is said of an adapter, wherever it stands: formats/README.md, "Scales of adapters".
///
/// Source: huggingface/diffusers, `loaders/lora_base.py`, `_save_lora_weights` (fields after a
/// component) and `loaders/peft.py`, `save_lora_adapter` (the same without one).
extension AdapterReading {
  mutating func readStatements(_ configuration: AdapterConfiguration) {
    for component in components.union([AdapterFile.transformer]).sorted() {
      let isTransformer = component == AdapterFile.transformer
      if let document { read(document, of: component) }
      if isTransformer, case .described(let json) = configuration {
        state(StatedScales.shared.configurationName, .configuration, component) {
          () throws(AdapterHeader.Malformed) in try AdapterHeader(json, prefix: "")
        }
      }
      readSingleKeys(of: component)
    }
    if case .unreadable(let detail) = configuration { note(.badHeader(detail: detail)) }
  }

  /// The components of which something is changed.
  private var components: Set<String> {
    Set(modules.map(\.component))
  }

  /// `lora_adapter_metadata`: fields after the component, or the transformer's alone.
  private mutating func read(_ document: AdapterHeader.Document, of component: String) {
    let isTransformer = component == AdapterFile.transformer
    var own: AdapterHeader?
    var others: [String] = []
    state(AdapterHeader.metadataKey, .header, component) { () throws(AdapterHeader.Malformed) in
      own = try AdapterHeader(document, prefix: component + ".")
      if own != nil || !isTransformer { return own }
      let found = try AdapterHeader(document, prefix: "", needing: ["r", "lora_alpha"])
      if found == nil { others = document.components }
      return found
    }
    guard isTransformer else { return }
    description = own
    let known = components
    for name in others where !known.contains(name) { note(.otherComponentDescribed(name: name)) }
  }

  /// Keys of the header that stand by themselves, each a text.
  private mutating func readSingleKeys(of component: String) {
    for prefix in [component + ".", ""] {
      for key in StatedScales.shared.alphas {
        guard let fields = singleFields(of: key, prefix: prefix) else { continue }
        guard let alpha = fields["lora_alpha"]?.double, alpha.isFinite else {
          if fields["lora_alpha"] != .null {
            note(
              .unreadAlpha(key: prefix + key, value: metadata[prefix + key] ?? ""),
              component: component)
          }
          continue
        }
        state("the header's '\(prefix + key)'", .header, component, isSingleKey: true) {
          () throws(AdapterHeader.Malformed) in try AdapterHeader(fields)
        }
      }
      let start = metadata[prefix + "init_lora_weights"]
      if let start, description == nil {
        note(
          AdapterBeginning(["init_lora_weights": .string(start)]), in: "the header",
          component: component)
      }
    }
  }

  /// What PEFT would call the alpha of a key and what belongs to it; nil when the key isn't there.
  private func singleFields(of key: String, prefix: String) -> JSONObject? {
    func value(_ name: String) -> JSONValue? {
      metadata[prefix + name].map(JSONValue.init(ofMetadata:))
    }
    guard let alpha = value(key) else { return nil }
    var fields: JSONObject = ["lora_alpha": alpha]
    let rank = StatedScales.shared.ranks.lazy.compactMap { value($0) }.first { $0.double != nil }
    if let rank { fields["r"] = rank }
    for name in ["use_rslora", "rank_pattern", "alpha_pattern"] { fields[name] = value(name) }
    return fields
  }

  @discardableResult
  private mutating func state(
    _ name: String, _ source: AdapterModule.ScaleSource, _ component: String,
    isSingleKey: Bool = false, _ read: () throws(AdapterHeader.Malformed) -> AdapterHeader?
  ) -> AdapterHeader? {
    do throws(AdapterHeader.Malformed) {
      guard let header = try read() else { return nil }
      statements[component, default: []].append(
        ScaleStatement(name: name, source: source, header: header, isSingleKey: isSingleKey))
      let isThere = methods.contains { $0.title.utf8HasPrefix("DoRA") }
      if header.usesDoRA, !isThere {
        note(
          .badHeader(
            detail: "\(name): 'use_dora' says DoRA, and the file has no magnitudes "
              + "(lora_magnitude_vector): without them it is another change"), component: component)
      }
      noteModulesWithoutLengths(header, in: name, component: component)
      note(header.beginning, in: name, component: component)
      return header
    } catch {
      note(.badHeader(detail: "\(name): \(error.detail)"), component: component)
      return nil
    }
  }

  /// Names a module that PEFT would give the lengths of the base's rows, since its DoRA is for every module.
  ///
  /// Source: huggingface/peft 0.21.2, `tuners/lora/variants.py`, `DoraLinearVariant.init`.
  private mutating func noteModulesWithoutLengths(
    _ header: AdapterHeader, in name: String, component: String
  ) {
    guard header.usesDoRA, component == AdapterFile.transformer,
      methods.contains(where: { $0.reading == .magnitude }),
      let plain = entries.first(where: { $0.isPlain && $0.component == component })
    else { return }
    note(
      .badHeader(
        detail:
          "\(name): 'use_dora' says DoRA of every module, and '\(plain.name)' has no magnitudes "
          + "(lora_magnitude_vector): without them it is another change"), component: component)
  }

  private mutating func note(_ beginning: AdapterBeginning, in name: String, component: String) {
    switch beginning {
    case .zero: break
    case .takenOut(let title, let field, let factors):
      // Of a text encoder nothing here takes them out again.
      let known = component == AdapterFile.transformer ? factors : nil
      note(
        .otherBase(method: title, field: field, statedBy: name, factors: known),
        component: component)
    case .unknown(let value):
      note(.unknownBeginning(value: value, statedBy: name), component: component)
    }
  }
}
