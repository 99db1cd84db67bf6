internal import Checkpoints

/// In what two checkpoints of one family are of different models.
struct ArchitectureDifference {
  /// Modules that are named of a longer list.
  private static let shownCount = 4

  /// What the second has instead of what the first has, one phrase each.
  let phrases: [String]

  /// - Parameters:
  ///   - tuned: the one that is asked about.
  ///   - base: what it should be like.
  init(_ tuned: Architecture, from base: Architecture) {
    let kinds = base.family.blocks.filter {
      tuned.dimensions.blockNumbers[$0.name] != base.dimensions.blockNumbers[$0.name]
    }
    var phrases = kinds.map { kind in
      "\(tuned.dimensions.blockCount(kind.name)) \(kind.name) blocks, expected "
        + "\(base.dimensions.blockCount(kind.name))"
    }
    let modules = Dictionary(
      tuned.modules.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let own = Dictionary(
      base.modules.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    phrases += Self.list(
      base.modules.compactMap { module in
        guard let other = modules[module.path], other.shape != module.shape else { return nil }
        return "\(module.path) is \(other.shapeText), expected \(module.shapeText)"
      })
    if kinds.isEmpty {
      let missing = base.modules.filter { modules[$0.path] == nil }.map(\.path)
      let extra = tuned.modules.filter { own[$0.path] == nil }.map(\.path)
      if !missing.isEmpty {
        phrases.append("it lacks \(Self.list(missing).joined(separator: ", "))")
      }
      if !extra.isEmpty {
        phrases.append("it has \(Self.list(extra).joined(separator: ", ")), which the base lacks")
      }
    }
    if phrases.isEmpty {
      phrases = base.family.flags.filter {
        tuned.dimensions.flags[$0.name] != base.dimensions.flags[$0.name]
      }.map {
        tuned.dimensions.flags[$0.name] == true
          ? "it has '\($0.name)', which the base lacks" : "it lacks '\($0.name)'"
      }
    }
    self.phrases = phrases
  }

  private static func list(_ items: [String]) -> [String] {
    items.count > shownCount
      ? items.prefix(shownCount) + ["\(items.count - shownCount) more"] : items
  }
}

extension Architecture.Module {
  fileprivate var shape: [Int?] { [outFeatures, inFeatures] }

  fileprivate var shapeText: String {
    let sizes = template.kind == .norm ? [outFeatures] : shape
    return "[\(sizes.map { $0.map(String.init) ?? "?" }.joined(separator: ", "))]"
  }
}
