internal import Files
internal import SystemPackage
internal import Text

/// Where the tensors of a path are.
enum CheckpointLocation: Equatable {
  /// One safetensors file.
  case file(FilePath)
  /// The index of shards.
  case index(FilePath)
  /// Every shard of a folder without an index, in order.
  case shards([String])
  /// A file that its name calls one of several, and where all of them are.
  case shard(ShardName, Whole)

  /// What a shard belongs to, beside it.
  enum Whole: Equatable {
    /// The index that names it.
    case index(String)
    /// Every shard, in order, where no index names it.
    case names([String])
  }

  /// Looks at a path: an index by its name, a folder by its files, else a file.
  init(of path: FilePath, variant: String?) throws {
    let name = path.lastComponent?.string ?? ""
    if IndexName(name) != nil || name.isJSONFile {
      self = .index(path)
    } else if let names = visibleEntries(ofFolder: path) {
      self = try CheckpointLocation.choose(among: names, variant: variant, folder: path)
    } else if let shard = ShardName(name), shard.count > 1, path.isRegularFile {
      self = .shard(shard, try CheckpointLocation.whole(of: shard, at: path))
    } else {
      self = .file(path)
    }
  }

  /// Where all the shards are that one belongs to.
  private static func whole(
    of shard: ShardName, at path: FilePath
  ) throws -> Whole {
    let folder = path.removingLastComponent()
    let names = visibleEntries(ofFolder: folder.isEmpty ? "." : folder) ?? []
    for index in names where IndexName(index) != nil {
      let read = try? ShardIndex(opening: folder.appending(index))
      if read?.shards.contains(where: { $0.sameBytes(as: shard.name) }) ?? false {
        return .index(index)
      }
    }
    let siblings = names.compactMap { ShardName($0) }.filter {
      $0.base.sameBytes(as: shard.base) && $0.count == shard.count
    }
    do {
      return .names(try complete(siblings, folder: folder))
    } catch SafetensorsError
      .missingShards(_, let missing)
    {
      throw SafetensorsError.partOfCheckpoint(
        file: path, number: shard.number, count: shard.count, missing: missing)
    }
  }

  /// The files of the one complete checkpoint in a folder besides these shards; nil when there is
  /// none, or more than one.
  static func wholeCheckpoint(besides shards: [String], in folder: FilePath) -> [String]? {
    let names = (visibleEntries(ofFolder: folder.isEmpty ? "." : folder) ?? []).filter { name in
      IndexName(name) == nil && !shards.contains { $0.sameBytes(as: name) }
    }
    switch try? choose(among: names, variant: nil, folder: folder) {
    case .file(let file): return [file.lastComponent?.string ?? ""]
    case .shards(let names): return names
    default: return nil
    }
  }

  /// Source: huggingface/diffusers, `utils/hub_utils.py` and `models/model_loading_utils.py`: an
  /// index before a single file, a variant's files by their names.
  private static func choose(
    among names: [String], variant: String?, folder: FilePath
  ) throws -> CheckpointLocation {
    let indexes = preferred(names.compactMap(IndexName.init), variant: variant, \.variant)
    if indexes.count > 1 {
      throw SafetensorsError.severalCheckpoints(folder: folder, names: indexes.map(\.name))
    }
    if let index = indexes.first { return .index(folder.appending(index.name)) }
    let shards = names.compactMap { ShardName($0) }
    let groups = Dictionary(grouping: shards) {
      ShardName(base: $0.base, number: 1, count: $0.count)
    }
    let stems =
      names.filter { ShardName($0) == nil }.compactMap { $0.droppingSuffix(".safetensors") }
      + groups.keys.map(\.base)
    let chosen = Set(
      preferred(stems, variant: variant) { stem in variantOf(stem, among: stems) })
    let files = names.filter { name in
      chosen.contains(ShardName(name)?.base ?? name.droppingSuffix(".safetensors") ?? "")
    }
    let kinds = groups.filter { chosen.contains($0.key.base) }
    let singles = files.filter { ShardName($0) == nil }
    switch (singles.count, kinds.count) {
    case (1, 0): return .file(folder.appending(singles[0]))
    case (0, 1): return .shards(try complete(kinds.values.first ?? [], folder: folder))
    case (0, 0):
      if variant == nil, let other = OtherCheckpoint(among: names) {
        throw SafetensorsError.otherCheckpoint(folder: folder, other)
      }
      throw SafetensorsError.noCheckpoint(folder: folder, variant: variant)
    default: throw SafetensorsError.severalCheckpoints(folder: folder, names: files)
    }
  }

  /// Those of a variant; when none is asked for, those without one if there are any.
  private static func preferred<Item>(
    _ items: [Item], variant: String?, _ variantOf: (Item) -> String?
  ) -> [Item] {
    if let variant { return items.filter { variantOf($0) == variant } }
    let plain = items.filter { variantOf($0) == nil }
    return plain.isEmpty ? items : plain
  }

  /// The variant that a file's stem names: what follows its last dot, if that looks like one.
  private static func variantOf(_ stem: String, among stems: [String]) -> String? {
    guard let dot = stem.lastIndex(of: "."), dot != stem.startIndex else { return nil }
    let suffix = String(stem[stem.index(after: dot)...])
    let isKnown = ["fp16", "bf16", "fp32", "fp8", "non_ema", "ema"].contains(suffix)
    return isKnown || stems.contains(String(stem[..<dot])) ? suffix : nil
  }

  private static func complete(
    _ shards: [ShardName], folder: FilePath
  ) throws -> [String] {
    guard let first = shards.first else { return [] }
    let present = Set(shards.map(\.number))
    let missing = (1...first.count).lazy.filter { !present.contains($0) }
    if present.count < first.count {
      throw SafetensorsError.missingShards(
        folder: folder,
        names: missing.prefix(100).map {
          ShardName(base: first.base, number: $0, count: first.count).name
        })
    }
    return shards.sorted { $0.number < $1.number }.map(\.name)
  }
}

/// The name of an index: `<base>.safetensors.index.json`, or `….index.<variant>.json`.
private struct IndexName {
  let name: String
  let variant: String?

  init?(_ name: String) {
    guard let stem = name.droppingSuffix(".json") else { return nil }
    self.name = name
    if stem.droppingSuffix(".safetensors.index") != nil {
      variant = nil
    } else if let dot = stem.lastIndex(of: "."),
      String(stem[..<dot]).droppingSuffix(".safetensors.index") != nil
    {
      variant = String(stem[stem.index(after: dot)...])
    } else {
      return nil
    }
  }
}

extension String {
  fileprivate var isJSONFile: Bool { droppingSuffix(".json") != nil }
}
