internal import JSON
internal import Tensors
internal import Text

/// What groups of layers are quantised in.
///
/// **Source:** vllm-project/compressed-tensors 0.20.1, `utils/match.py`, `match_targets` (a layer's own name is before
/// patterns, these are before names of classes, and each kind is in the order of its texts) and `match_name`;
/// `quantization/lifecycle/apply.py`, `apply_quantization_config` (a target of several groups is the last one's).
struct QuantizationGroups {
  /// What each says, and which layers it is for.
  private let groups: [(said: JSONValue, targets: [String])]

  /// The class of layers whose weights are quantised.
  private static let layerClass = "Linear"
  /// What stands before a pattern.
  private static let patternMark = "re:"

  init(_ groups: [(said: JSONValue, targets: [String])]) { self.groups = groups }

  /// The tile that is said by a key: of all groups that say one, or of the layer's group where they differ; nil where
  /// nothing is said.
  func tile(_ key: String, ofLayer path: String) throws(UnreadLayer) -> ScaleRule.Tile? {
    let said = groups.map { $0.said[key] ?? .null }
    let texts = Set(said.filter { $0 != .null }.map { $0.text() })
    if texts.count < 2 {
      guard let value = said.first(where: { $0 != .null }) else { return nil }
      return try Self.tile(value, key, isSaid: !said.contains(.null))
    }
    guard let group = group(ofLayer: path) else {
      throw UnreadLayer(
        "whose '\(key)' is one of \(texts.sorted().joined(separator: " and ")), and the targets of these "
          + "groups don't tell which")
    }
    return said[group] == .null ? nil : try Self.tile(said[group], key, isSaid: true)
  }

  private static func tile(
    _ value: JSONValue, _ key: String, isSaid: Bool
  ) throws(UnreadLayer) -> ScaleRule.Tile {
    guard let tile = ScaleRule.Tile(sizes: value, isSaid: isSaid) else {
      throw UnreadLayer("whose '\(key)' is \(value.text()), expected rows and columns")
    }
    return tile
  }

  /// Layers of longer names are not looked for.
  private static let largestLength = 1024

  /// The group that a layer is in; nil where that isn't certain.
  private func group(ofLayer path: String) -> Int? {
    guard path.utf8.count <= Self.largestLength else { return nil }
    func last(_ target: String) -> Int? {
      groups.lastIndex { $0.targets.contains { $0.sameBytes(as: target) } }
    }
    if let own = last(path) { return own }
    let others = Set(groups.flatMap(\.targets))
    let patterns = others.filter { $0.utf8HasPrefix(Self.patternMark) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for target in patterns {
      guard let pattern = LayerPattern(String(target.dropFirst(Self.patternMark.count))) else {
        return nil
      }
      if pattern.matches(path) { return last(target) }
    }
    // A layer has several classes, whose names begin with capitals.
    let classes = others.filter { $0.utf8.first.map { (0x41...0x5A).contains($0) } ?? false }
    return classes == [Self.layerClass] ? last(Self.layerClass) : nil
  }
}
