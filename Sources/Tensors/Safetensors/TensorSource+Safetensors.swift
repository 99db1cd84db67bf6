internal import Failures
internal import Files
internal import JSON
public import SystemPackage
public import Tensors
internal import Text

extension TensorSource {
  /// A source with the tensors of one open file, and what is odd about it.
  public init(_ file: SafetensorsFile, problems: [String] = []) {
    self.init(
      file: file.path, container: .safetensors, tensors: file.tensors, metadata: file.metadata,
      problems: problems)
  }

  /// Opens a checkpoint and checks every header; reads no tensor data.
  ///
  /// - Parameters:
  ///   - path: a `.safetensors` file, a `.safetensors.index.json`, or a folder with one of them.
  ///     In a folder an index is preferred; shards without an index must all be there. One shard of
  ///     several stands for all of them.
  ///   - variant: which of several in a folder: `fp16` for `model.fp16.safetensors`. When nil,
  ///     those without a variant are preferred.
  /// - Throws: ``SafetensorsError``, also when the shards are not exactly as the index says.
  public init(opening path: FilePath, variant: String? = nil) throws {
    switch try CheckpointLocation(of: path, variant: variant) {
    case .file(let file): self.init(try SafetensorsFile(opening: file))
    case .index(let file): try self.init(index: file, path: path)
    case .shards(let names):
      let files = try TensorSource.open(names, in: path)
      try self.init(files, path: path, index: nil, problems: ["shards without an index"])
    case .shard(let shard, let whole):
      let folder = path.removingLastComponent()
      let problem = "shard \(shard.number) of \(shard.count), read together with the others"
      switch whole {
      case .index(let name):
        try self.init(
          index: folder.appending(name), path: path, problems: ["\(problem) (\(name))"])
      case .names(let names):
        let files = try TensorSource.open(names, in: folder)
        try self.init(
          files, path: path, index: nil, problems: ["\(problem), without an index"])
      }
    }
  }
}

/// Sharded checkpoints.
extension TensorSource {
  private init(
    index file: FilePath, path: FilePath, problems known: [String] = []
  ) throws {
    let index = try ShardIndex(opening: file)
    let files: [SafetensorsFile]
    do {
      files = try TensorSource.open(index.shards, in: file.removingLastComponent())
    } catch FileError.cannotOpen(let shard, .noSuchFileOrDirectory) {
      let name = shard.lastComponent?.string ?? ""
      let others = CheckpointLocation.wholeCheckpoint(
        besides: index.shards, in: file.removingLastComponent())
      throw SafetensorsError.malformedIndex(
        file: file,
        fault: others.map { .staleIndex(shard: name, others: $0) } ?? .missingShard(name))
    }
    do { try TensorSource.compare(index, with: files) } catch {
      throw SafetensorsError.malformedIndex(file: file, fault: error)
    }
    var problems = known
    let byteCount = files.reduce(0) { $0 + $1.tensors.reduce(0) { $0 + $1.byteCount } }
    if let totalSize = index.totalSize, totalSize != byteCount {
      problems.append(
        "the index says total_size \(totalSize), but the tensors take \(byteCount) bytes")
    }
    try self.init(files, path: path, index: file, problems: problems)
  }

  private init(
    _ files: [SafetensorsFile], path: FilePath, index: FilePath?, problems: [String]
  ) throws {
    let merged = TensorSource.merge(files.map(\.metadata))
    try self.init(
      path: path, container: .safetensors, files: files.map(\.path),
      tensors: files.flatMap(\.tensors), metadata: merged.metadata, index: index,
      problems: problems + merged.problems)
  }

  private static func open(
    _ names: [String], in folder: FilePath
  ) throws -> [SafetensorsFile] {
    var files: [SafetensorsFile] = []
    for name in names { files.append(try SafetensorsFile(opening: folder.appending(name))) }
    return files
  }

  /// Checks that the index places exactly the tensors that the shards have.
  private static func compare(
    _ index: ShardIndex, with files: [SafetensorsFile]
  ) throws(IndexFault) {
    // Names of files once: taking them off paths costs more than all the rest here.
    let names = files.map { $0.path.lastComponent?.string ?? "" }
    let positions = Dictionary(
      names.enumerated().map { (Array($1.utf8), $0) }, uniquingKeysWith: { first, _ in first })
    var placed = UTF8Index(capacity: index.shardOfTensor.count)
    let entries = index.shardOfTensor
    for (position, entry) in entries.enumerated() {
      _ = placed.insert(entry.tensor, at: position, name: { entries[$0].tensor })
      let shard = positions[Array(entry.shard.utf8)]
      if let shard, files[shard].find(entry.tensor) != nil { continue }
      let other = files.firstIndex { $0.find(entry.tensor) != nil }
      throw .tensorNotInShard(
        tensor: entry.tensor, shard: entry.shard, found: other.map { names[$0] })
    }
    for (file, name) in zip(files, names) {
      for tensor in file.tensors {
        let position = placed.position(of: tensor.name, name: { entries[$0].tensor })
        if let position, name.sameBytes(as: entries[position].shard) { continue }
        throw .tensorNotInIndex(tensor: tensor.name, shard: name)
      }
    }
  }

  private static func merge(
    _ all: [Metadata]
  ) -> (metadata: Metadata, problems: [String]) {
    var merged: Metadata = []
    var problems: [String] = []
    for (key, value) in all.joined() {
      guard let known = merged[key] else {
        merged.append((key, value))
        continue
      }
      if !known.sameBytes(as: value) {
        problems.append("metadata \(quoted(key)) differs between shards; the first is taken")
      }
    }
    return (merged, problems)
  }
}
