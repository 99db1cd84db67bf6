internal import Checkpoints
internal import JSON
package import Tensors
internal import Text

extension Metadata {
  /// The finite number that a key holds, as every reader of statements takes it.
  func number(of key: String) -> Double? {
    self[key].flatMap { JSONValue(ofMetadata: $0).double }.flatMap { $0.isFinite ? $0 : nil }
  }

  /// The list without the keys that give an alpha by themselves, and the ranks that belong to them:
  /// they speak of the file that they were read from. Kohya's keys, which others show, stay.
  var withoutSingleScales: Self {
    let keys = StatedScales.shared
    let prefixes = ["", "transformer.", "text_encoder.", "text_encoder_2."].filter { prefix in
      keys.alphas.contains { number(of: prefix + $0) != nil }
    }
    let fields = keys.alphas + keys.ranks + ["use_rslora", "rank_pattern", "alpha_pattern"]
    return filter { member in
      !prefixes.contains { prefix in fields.contains { prefix + $0 == member.key } }
    }
  }

  /// The list without anything that says how training began, and what is said with it.
  package var withoutBeginning: Self {
    let key = "init_lora_weights"
    return filter { ![AdapterHeader.metadataKey, key, "transformer.\(key)"].contains($0.key) }
  }

  /// The list without anything that says what the scale is.
  var withoutScales: Self {
    let copied = StatedScales.shared.copied
    return withoutSingleScales.filter {
      ![AdapterHeader.metadataKey, copied.alpha, copied.rank].contains($0.key)
    }
  }
}

/// PEFT's description of an adapter: what `lora_adapter_metadata` of a file holds.
///
/// Source: huggingface/diffusers, `loaders/lora_base.py`, `_save_lora_weights`; huggingface/peft,
/// `tuners/lora/config.py`, `LoraConfig` (fields that are absent get their defaults).
struct PEFTMetadata {
  let text: String

  /// - Parameters:
  ///   - parts: what is adapted, by component.
  ///   - base: the transformer, when it is known; then targets are written as suffixes where those
  ///     select exactly these modules, else as whole paths.
  ///   - alpha: the alpha of a module as written: its rank where the scale is baked.
  init(
    _ parts: [(name: String, part: AdapterPart)], base: Architecture?,
    alpha: (AdapterModule) -> Double
  ) {
    let members = parts.filter { !$0.part.modules.isEmpty }.flatMap { name, part in
      Self.fields(of: part, base: name == AdapterFile.transformer ? base : nil, alpha: alpha)
        .map { JSONObject.Member(key: "\(name).\($0.0)", value: $0.1) }
    }
    text = JSONValue.object(JSONObject(members)).text(.compact)
  }

  private static func fields(
    of part: AdapterPart, base: Architecture?, alpha: (AdapterModule) -> Double
  ) -> [(String, JSONValue)] {
    // The same adapter has the same description, whatever the order of a file's keys.
    let modules = part.modules.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    let rank = Self.mostCommon(modules.map(\.rank)) ?? 1
    let commonAlpha = Self.mostCommon(modules.map(alpha)) ?? Double(rank)
    var ranks = JSONObject()
    var alphas = JSONObject()
    for module in modules {
      guard module.rank != rank || alpha(module) != commonAlpha else { continue }
      // A pattern matches the end of a path, so one that ends others is tied to the start.
      let isAmbiguous = modules.contains {
        $0.path.hasTargetSuffix(module.path) && $0.path != module.path
      }
      let key = (isAmbiguous ? "^" : "") + module.path
      if module.rank != rank { ranks[key] = .integer(Int64(module.rank)) }
      if alpha(module) != commonAlpha { alphas[key] = JSONValue(alpha(module)) }
    }
    return [
      ("alpha_pattern", .object(alphas)),
      ("bias", "none"),
      ("inference_mode", false),
      // PEFT 0.21.2 takes biases only with its own beginning of factors.
      ("init_lora_weights", part.hasBiases ? true : "gaussian"),
      ("lora_alpha", JSONValue(commonAlpha)),
    ] + (part.hasBiases ? [("lora_bias", true)] : []) + [
      ("lora_dropout", 0.0),
      ("peft_type", "LORA"),
      ("r", .integer(Int64(rank))),
      ("rank_pattern", .object(ranks)),
      ("target_modules", .array(Self.targets(of: modules, base: base).map(JSONValue.string))),
      ("use_dora", .bool(part.hasLengths)),
      ("use_rslora", false),
    ]
  }

  /// The value that occurs most often, the smallest of several.
  private static func mostCommon<Value: Hashable & Comparable>(_ values: [Value]) -> Value? {
    var counts: [Value: Int] = [:]
    for value in values { counts[value, default: 0] += 1 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  private static func targets(of modules: [AdapterModule], base: Architecture?) -> [String] {
    let paths = modules.map(\.path).sorted()
    guard let base else { return paths }
    var suffixes: [String] = []
    for module in modules {
      guard let template = base.module(at: module.path)?.template.path else { return paths }
      let suffix = template.tail.map { String($0.dropFirst()) } ?? template.head
      if !suffixes.contains(suffix) { suffixes.append(suffix) }
    }
    let selected = try? base.modules(matching: suffixes)
    return selected?.count == modules.count ? suffixes.sorted() : paths
  }
}

extension JSONValue {
  /// A whole number as an integer, as PEFT writes it.
  fileprivate init(_ number: Double) {
    self = Int64(exactly: number).map(JSONValue.integer) ?? .number(number)
  }
}

extension JSONValue {
  /// What a text of a header stands for, as Python's `str` or `json.dumps` has written it.
  init(ofMetadata text: String) {
    switch text {
    case "None", "": self = .null
    case "True": self = true
    case "False": self = false
    default: self = (try? JSONValue(parsing: text)) ?? .string(text)
    }
  }
}
