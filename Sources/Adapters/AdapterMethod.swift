internal import Checkpoints
internal import JSON

/// A way to adapt a module that is not a plain LoRA, and how its keys are known: an entry of
/// `refused` in `formats/adapter-dialects.json`.
struct AdapterMethod: Sendable {
  /// Name for people: `LoKr`.
  let title: String
  /// Endings of its keys.
  let endings: [String]
  /// What its keys contain.
  let parts: [String]
  /// What stands before the modules; any of the known prefixes where there is no list.
  let prefixes: [String]?
  /// Whether a key is only looked at when it is no part of a plain LoRA.
  let comesLast: Bool
  /// Whether checkpoints have such keys too, so that they alone don't make a file an adapter.
  let isInCheckpoints: Bool
  /// Endings of the tensors whose rows are the rank.
  let ranks: [String]
  /// Another method whose keys are part of this one where both occur.
  let included: String?
  /// What a file can do without when plain LoRA is all that is taken.
  let partial: Partial?
  /// Who can apply it to a base.
  let mergedBy: String?
  /// What it is for, or what to do instead.
  let advice: String?
  /// Whether its tensors mean nothing when all of their elements are zero.
  let isNothingWhenZero: Bool

  /// What is left out with a method.
  enum Partial: String, Sendable {
    /// Its keys; a LoRA of the same module stays what it is.
    case keys
    /// The modules that it changes: their LoRA is no plain one.
    case modules
  }

  init(_ entry: JSONValue) {
    title = entry.text("method")
    endings = entry.texts("endings")
    parts = entry.texts("contains")
    prefixes = entry["prefixes"] == nil ? nil : entry.texts("prefixes")
    comesLast = entry["otherwise"]?.bool ?? false
    isInCheckpoints = entry["in_checkpoints"]?.bool ?? false
    ranks = entry.texts("ranks")
    included = entry["includes"]?.string
    partial = entry["partial"]?.string.flatMap(Partial.init)
    mergedBy = entry["merged_by"]?.string
    advice = entry["advice"]?.string
    isNothingWhenZero = entry["nothing_when_zero"]?.bool ?? false
  }

  /// The module that a key of this method is about; nil for a key that is none of it.
  func stem(of key: String) -> String? {
    if let prefixes, !prefixes.contains(where: key.utf8HasPrefix) { return nil }
    if let ending = endings.first(where: key.utf8HasSuffix) {
      return String(key.utf8.dropLast(ending.utf8.count))
    }
    return parts.lazy.compactMap { key.firstRange(ofUTF8: $0) }.first
      .map { String(key.utf8.prefix($0)) }
  }

  /// What to do with a file of this method, in words.
  var whatToDo: String? {
    let merging = mergedBy.map {
      "merge it with \($0), then 'glance-merge BASE --extract MERGED --rank 64 --output FILE' makes "
        + "a plain LoRA of the difference"
    }
    return advice ?? merging
  }
}
