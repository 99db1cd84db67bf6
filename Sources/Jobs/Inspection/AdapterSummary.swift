public import Adapters
public import Checkpoints

/// What an adapter attaches to, in few words.
public struct AdapterSummary: Sendable {
  /// Named sets and paths within blocks, with how many modules each has.
  public let targets: [(suffix: String, moduleCount: Int)]
  /// The named set of targets that the modules are, over all blocks that occur.
  public let preset: String?
  /// How many canonical modules there are: fused ones count for each.
  public let moduleCount: Int
  /// How many blocks of each kind occur, up to the highest.
  public let blockCounts: [(kind: String, count: Int)]

  /// The summary of an adapter file.
  public init(_ file: AdapterFile) {
    self.init(paths: file.canonicalPaths, family: file.families.first)
  }

  /// The summary of modules of a family.
  public init(paths: [String], family: ModelFamily?) {
    moduleCount = paths.count
    var targets: [(suffix: String, moduleCount: Int)] = []
    var highest: [String: Int] = [:]
    for path in paths {
      let found = family?.place(of: path)
      let suffix = found?.suffix ?? path
      if let kind = found?.kind { highest[kind] = max(highest[kind] ?? 0, found?.block ?? 0) }
      if let known = targets.firstIndex(where: { $0.suffix == suffix }) {
        targets[known].moduleCount += 1
      } else {
        targets.append((suffix, 1))
      }
    }
    self.targets = targets
    blockCounts = (family?.blocks ?? []).compactMap { kind in
      highest[kind.name].map { (kind.name, $0 + 1) }
    }
    preset = family.flatMap { family in
      let dimensions = Dimensions(sizes: [:], blockCounts: highest.mapValues { $0 + 1 })
      return Architecture(family: family, dimensions: dimensions)
        .targetPreset(selecting: paths)
    }
  }
}

extension ModelFamily {
  /// Where a canonical path is: its path within the block, the kind of blocks and the number.
  fileprivate func place(of path: String) -> (suffix: String, kind: String?, block: Int)? {
    for module in modules {
      guard let block = module.path.block(of: path) else { continue }
      guard let tail = module.path.tail else { return (path, nil, 0) }
      let kind = blocks.first { module.path.isInBlock(of: $0) }
      return (String(tail.dropFirst()), kind?.name, block)
    }
    return nil
  }
}
