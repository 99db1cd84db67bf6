public import Files
internal import JSON
public import SystemPackage
internal import Text

/// The tensors of one checkpoint, whether it is a file, the shards of an index, or a folder with
/// either.
public struct TensorSource: Sendable {
  /// What was opened: a file or a folder.
  public let path: FilePath
  /// The index that says which tensor lies where; nil for a single file and shards without one.
  public let index: FilePath?
  /// The files that hold the tensors, in the order of their names.
  public let files: [FilePath]
  /// The format of the files.
  public let container: Container
  /// Every tensor, file by file, in the order of the headers.
  public let tensors: [TensorView]
  /// The texts of `__metadata__`: of a sharded checkpoint those of all files, the first of a key.
  public let metadata: Metadata
  /// What is odd and yet clear enough to read the checkpoint; one sentence each.
  public let problems: [String]

  private let lookup: UTF8Index

  /// A source with the tensors of files.
  ///
  /// - Parameters:
  ///   - path: what was opened.
  ///   - container: the format.
  ///   - files: the files that hold the tensors.
  ///   - tensors: the tensors, in order; each name once.
  ///   - metadata: the texts that the files hold besides.
  ///   - index: the index that says which tensor lies where.
  ///   - problems: what is odd, one sentence each.
  /// - Throws: ``TensorError/tensorInTwoShards(folder:tensor:shards:)`` for a name given twice.
  public init(
    path: FilePath, container: Container, files: [FilePath], tensors: [TensorView],
    metadata: Metadata, index: FilePath? = nil, problems: [String] = []
  ) throws(TensorError) {
    self.path = path
    self.container = container
    self.files = files
    self.tensors = tensors
    self.metadata = metadata
    self.index = index
    self.problems = problems
    lookup = try TensorSource.lookup(tensors, path: path)
  }

  /// A source with the tensors of one file whose reader has seen to it that each name is there once.
  package init(
    file: FilePath, container: Container, tensors: [TensorView],
    metadata: Metadata, problems: [String] = []
  ) {
    path = file
    index = nil
    files = [file]
    self.container = container
    self.tensors = tensors
    self.metadata = metadata
    self.problems = problems
    var lookup = UTF8Index(capacity: tensors.count)
    for (position, tensor) in tensors.enumerated() {
      _ = lookup.insert(tensor.name, at: position, name: { tensors[$0].name })
    }
    self.lookup = lookup
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
  public func tensor(named name: String) throws(TensorError) -> TensorView {
    guard let found = find(name) else { throw .missingTensor(file: path, tensor: name) }
    return found
  }

  /// The tensor of a name, or nil.
  public func find(_ name: String) -> TensorView? {
    lookup.position(of: name, name: { tensors[$0].name }).map { tensors[$0] }
  }

  /// How many bytes all tensors take.
  public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  private static func lookup(
    _ tensors: [TensorView], path: FilePath
  ) throws(TensorError) -> UTF8Index {
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
}

extension TensorSource {
  /// Makes tensors that are made on demand, all of them: for adapters, which are small and whose
  /// numbers are asked for again and again. Mapped ones stay as they are.
  public func makeWhole() throws(FileError) {
    for tensor in tensors { try tensor.makeWhole() }
  }
}
