internal import JSON
public import SystemPackage

/// The tensors of one checkpoint, whether it is a file, the shards of an index, or a folder with
/// either.
public struct TensorSource: Sendable {
  /// What was opened: a file or a folder.
  public let path: FilePath
  /// The index that says which tensor lies where; nil for a single file and shards without one.
  public let index: FilePath?
  /// The files that hold the tensors, in the order of their names.
  public let files: [FilePath]
  /// The format of the files: `safetensors`, `gguf`, …
  public let container: String
  /// Every tensor, file by file, in the order of the headers.
  public let tensors: [TensorView]
  /// The texts of `__metadata__`: of a sharded checkpoint those of all files, the first of a key.
  public let metadata: [(key: String, value: String)]
  /// What is odd and yet clear enough to read the checkpoint; one sentence each.
  public let problems: [String]

  private let lookup: UTF8Index

  /// A source with the tensors of one open file, and what is odd about it.
  public init(_ file: SafetensorsFile, problems: [String] = []) {
    // One file has every name once, so nothing can fail.
    var lookup = UTF8Index(capacity: file.tensors.count)
    for (position, tensor) in file.tensors.enumerated() {
      _ = lookup.insert(tensor.name, at: position, name: { file.tensors[$0].name })
    }
    path = file.path
    index = nil
    files = [file.path]
    container = "safetensors"
    tensors = file.tensors
    metadata = file.metadata
    self.problems = problems
    self.lookup = lookup
  }

  /// A source with tensors that another format holds.
  ///
  /// - Parameters:
  ///   - path: what was opened.
  ///   - container: the format.
  ///   - files: the files that hold the tensors.
  ///   - tensors: the tensors, in order; each name once.
  ///   - metadata: the texts that the files hold besides.
  ///   - index: the index that says which tensor lies where.
  ///   - problems: what is odd, one sentence each.
  /// - Throws: ``SafetensorsError/tensorInTwoShards(folder:tensor:shards:)`` for a name given twice.
  public init(
    path: FilePath, container: String, files: [FilePath], tensors: [TensorView],
    metadata: [(key: String, value: String)], index: FilePath? = nil, problems: [String] = []
  ) throws(SafetensorsError) {
    self.path = path
    self.container = container
    self.files = files
    self.tensors = tensors
    self.metadata = metadata
    self.index = index
    self.problems = problems
    lookup = try TensorSource.lookup(tensors, path: path)
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
  public init(opening path: FilePath, variant: String? = nil) throws(SafetensorsError) {
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

  /// The same tensors, and something odd about them.
  public func withProblem(_ problem: String) -> TensorSource {
    TensorSource(self, problems: problems + [problem])
  }

  private init(_ other: TensorSource, problems: [String]) {
    path = other.path
    index = other.index
    files = other.files
    container = other.container
    tensors = other.tensors
    metadata = other.metadata
    lookup = other.lookup
    self.problems = problems
  }

  /// The tensor of a name.
  public func tensor(named name: String) throws(SafetensorsError) -> TensorView {
    guard let found = find(name) else { throw .missingTensor(file: path, tensor: name) }
    return found
  }

  /// The tensor of a name, or nil.
  public func find(_ name: String) -> TensorView? {
    lookup.position(of: name, name: { tensors[$0].name }).map { tensors[$0] }
  }

  /// How many bytes all tensors take.
  public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
}

/// Sharded checkpoints.
extension TensorSource {
  private init(
    index file: FilePath, path: FilePath, problems known: [String] = []
  ) throws(SafetensorsError) {
    let index = try ShardIndex(opening: file)
    let files: [SafetensorsFile]
    do { files = try TensorSource.open(index.shards, in: file.removingLastComponent()) } catch {
      if case .cannotOpen(let shard, .noSuchFileOrDirectory) = error {
        let name = shard.lastComponent?.string ?? ""
        let others = CheckpointLocation.wholeCheckpoint(
          besides: index.shards, in: file.removingLastComponent())
        throw .malformedIndex(
          file: file,
          fault: others.map { .staleIndex(shard: name, others: $0) } ?? .missingShard(name))
      }
      throw error
    }
    do { try TensorSource.compare(index, with: files) } catch {
      throw .malformedIndex(file: file, fault: error)
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
  ) throws(SafetensorsError) {
    let merged = TensorSource.merge(files.map(\.metadata))
    try self.init(
      path: path, container: "safetensors", files: files.map(\.path),
      tensors: files.flatMap(\.tensors), metadata: merged.metadata, index: index,
      problems: problems + merged.problems)
  }

  private static func lookup(
    _ tensors: [TensorView], path: FilePath
  ) throws(SafetensorsError) -> UTF8Index {
    var lookup = UTF8Index(capacity: tensors.count)
    for (position, tensor) in tensors.enumerated() {
      let other = lookup.insert(tensor.name, at: position, name: { tensors[$0].name })
      guard let other else { continue }
      throw .tensorInTwoShards(
        folder: path, tensor: tensor.name,
        shards: [tensors[other], tensor].compactMap { $0.file?.lastComponent?.string })
    }
    return lookup
  }

  private static func open(
    _ names: [String], in folder: FilePath
  ) throws(SafetensorsError) -> [SafetensorsFile] {
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
        if let position, name.utf8.elementsEqual(entries[position].shard.utf8) { continue }
        throw .tensorNotInIndex(tensor: tensor.name, shard: name)
      }
    }
  }

  private static func merge(
    _ all: [[(key: String, value: String)]]
  ) -> (metadata: [(key: String, value: String)], problems: [String]) {
    var merged: [(key: String, value: String)] = []
    var problems: [String] = []
    for (key, value) in all.joined() {
      guard let known = merged.first(where: { $0.key.utf8.elementsEqual(key.utf8) }) else {
        merged.append((key, value))
        continue
      }
      if !known.value.utf8.elementsEqual(value.utf8) {
        problems.append("metadata \(quoted(key)) differs between shards; the first is taken")
      }
    }
    return (merged, problems)
  }
}
