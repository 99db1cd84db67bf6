internal import Checkpoints
internal import JSON

/// Metadata is an ordered list of texts; of equal keys the first counts.
extension [(key: String, value: String)] {
  /// The value of a key, compared by bytes.
  func value(of key: String) -> String? {
    first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  /// The same list with these keys set: at their place when they are there, else at the end.
  func setting(_ changes: [(key: String, value: String)]) -> Self {
    var list = self
    for change in changes {
      if let known = list.firstIndex(where: { $0.key.utf8.elementsEqual(change.key.utf8) }) {
        list[known].value = change.value
      } else {
        list.append(change)
      }
    }
    return list
  }
}

/// PEFT's description of an adapter whose scales are baked into B, so that alpha = rank everywhere:
/// what `lora_adapter_metadata` of a file holds.
///
/// Source: huggingface/diffusers, `loaders/lora_base.py`, `_save_lora_weights`; huggingface/peft,
/// `tuners/lora/config.py`, `LoraConfig` (fields that are absent get their defaults).
struct PEFTMetadata {
  let text: String

  /// - Parameters:
  ///   - modules: what is adapted.
  ///   - base: the model, when it is known; then targets are written as suffixes where those select
  ///     exactly these modules, else as whole paths.
  init(modules: [AdapterModule], base: Architecture?) {
    let rank = Self.commonRank(of: modules)
    var ranks = JSONObject()
    for module in modules where module.rank != rank {
      let isAmbiguous = modules.contains {
        $0.path.hasTargetSuffix(module.path) && $0.path != module.path
      }
      ranks[(isAmbiguous ? "^" : "") + module.path] = .integer(Int64(module.rank))
    }
    let fields: [(String, JSONValue)] = [
      ("alpha_pattern", .object(ranks)),
      ("bias", "none"),
      ("inference_mode", false),
      ("init_lora_weights", "gaussian"),
      ("lora_alpha", .integer(Int64(rank))),
      ("lora_dropout", 0.0),
      ("peft_type", "LORA"),
      ("r", .integer(Int64(rank))),
      ("rank_pattern", .object(ranks)),
      ("target_modules", .array(Self.targets(of: modules, base: base).map(JSONValue.string))),
      ("use_dora", false),
      ("use_rslora", false),
    ]
    let object = JSONObject(
      fields.map { JSONObject.Member(key: "transformer." + $0.0, value: $0.1) })
    text = JSONValue.object(object).text(.compact)
  }

  private static func commonRank(of modules: [AdapterModule]) -> Int {
    var counts: [Int: Int] = [:]
    for module in modules { counts[module.rank, default: 0] += 1 }
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 1
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
