internal import SystemPackage

/// Where the tensors of a path are.
enum CheckpointLocation: Equatable {
  /// One safetensors file.
  case file(FilePath)
  /// The index of shards.
  case index(FilePath)
  /// Every shard of a folder without an index, in order.
  case shards([String])

  /// Looks at a path: an index by its name, a folder by its files, else a file.
  init(of path: FilePath, variant: String?) throws(SafetensorsError) {
    if let name = path.lastComponent?.string, IndexName(name) != nil || name.isJSONFile {
      self = .index(path)
    } else if let names = visibleEntries(ofFolder: path) {
      self = try CheckpointLocation.choose(among: names, variant: variant, folder: path)
    } else {
      self = .file(path)
    }
  }

  /// Source: huggingface/diffusers, `utils/hub_utils.py` and `models/model_loading_utils.py`: an
  /// index before a single file, a variant's files by their names.
  private static func choose(
    among names: [String], variant: String?, folder: FilePath
  ) throws(SafetensorsError) -> CheckpointLocation {
    let indexes = preferred(names.compactMap(IndexName.init), variant: variant, \.variant)
    if indexes.count > 1 {
      throw .severalCheckpoints(folder: folder, names: indexes.map(\.name))
    }
    if let index = indexes.first { return .index(folder.appending(index.name)) }
    let shards = names.compactMap { ShardName($0) }
    let groups = Dictionary(grouping: shards) {
      ShardName(base: $0.base, number: 1, count: $0.count)
    }
    let stems =
      names.filter { ShardName($0) == nil }.compactMap { $0.withoutSuffix(".safetensors") }
      + groups.keys.map(\.base)
    let chosen = Set(
      preferred(stems, variant: variant) { stem in variantOf(stem, among: stems) })
    let files = names.filter { name in
      chosen.contains(ShardName(name)?.base ?? name.withoutSuffix(".safetensors") ?? "")
    }
    let kinds = groups.filter { chosen.contains($0.key.base) }
    let singles = files.filter { ShardName($0) == nil }
    switch (singles.count, kinds.count) {
    case (1, 0): return .file(folder.appending(singles[0]))
    case (0, 1): return .shards(try complete(kinds.values.first ?? [], folder: folder))
    case (0, 0): throw .noCheckpoint(folder: folder, variant: variant)
    default: throw .severalCheckpoints(folder: folder, names: files)
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
  ) throws(SafetensorsError) -> [String] {
    guard let first = shards.first else { return [] }
    let present = Set(shards.map(\.number))
    let missing = (1...first.count).lazy.filter { !present.contains($0) }
    if present.count < first.count {
      throw .missingShards(
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
    guard let stem = name.withoutSuffix(".json") else { return nil }
    self.name = name
    if stem.withoutSuffix(".safetensors.index") != nil {
      variant = nil
    } else if let dot = stem.lastIndex(of: "."),
      String(stem[..<dot]).withoutSuffix(".safetensors.index") != nil
    {
      variant = String(stem[stem.index(after: dot)...])
    } else {
      return nil
    }
  }
}

extension String {
  fileprivate var isJSONFile: Bool { withoutSuffix(".json") != nil }
}
