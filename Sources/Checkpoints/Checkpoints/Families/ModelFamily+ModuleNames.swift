/// What the modules of a family are called.
extension ModelFamily {
  /// Every name of a module: its canonical path, what the layouts call it, alone or stacked with others,
  /// and its path with the other names of its kind of blocks (`single.3.attn.to_q`).
  ///
  /// - Parameter path: the canonical path; one that the family doesn't have is its only name.
  /// - Returns: the names, the canonical path first.
  package func names(ofModule path: String) -> [String] {
    for (position, module) in modules.enumerated() {
      guard let block = module.path.block(of: path) else { continue }
      var names = [path]
      for rule in layouts.lazy.flatMap(\.rules) where rule.modules.contains(position) {
        names.append(rule.path.path(block: block))
      }
      if let kind = blocks.first(where: { module.path.head == $0.path + "." }) {
        names += otherNames(ofBlocks: kind.path).map { $0 + path.dropFirst(kind.path.count) }
      }
      return names
    }
    return [path]
  }

  /// The other names of a kind of blocks, of which `path` is the canonical one: those of the layouts, and
  /// its short name.
  package func otherNames(ofBlocks path: String) -> [String] {
    guard let kind = blocks.first(where: { $0.path == path }) else { return [] }
    var names: [String] = []
    for name in layouts.map({ $0.blockPath(of: kind) }) + [kind.name]
    where name != path && !names.contains(name) { names.append(name) }
    return names
  }
}
