internal import Compression
internal import Containers
internal import Files
internal import Safetensors
public import SystemPackage
public import Tensors

extension TensorSource {
  /// Opens a checkpoint of any format that is read: safetensors, one file or shards, plain or
  /// compressed, or GGUF. What wrappers left in the names of a known model is taken out of them.
  ///
  /// - Parameters:
  ///   - path: a file, an index, or a folder.
  ///   - base: what a difference was made from; when nil, a file or folder of the recorded name
  ///     beside the difference. A recorded path is never followed elsewhere.
  /// - Throws: ``CheckpointError``, or the error of the format.
  public init(openingAny path: FilePath, base: FilePath? = nil) throws {
    do { try self.init(openingAny: path, base: base, depth: 0) } catch {
      guard case SafetensorsError.noCheckpoint(let folder, nil) = error else { throw error }
      let inside = FoldersInside.checkpoints(folder)
      guard inside.isEmpty else {
        throw CheckpointError.inside(folder: folder, kind: "checkpoint", names: inside)
      }
      throw error
    }
  }

  /// Opens a checkpoint to tell what it is: as ``init(openingAny:base:)`` does, and also differences
  /// without their base, undo files, parts without the others, and GGUF files with types that are not
  /// decoded. Bytes may then be missing.
  ///
  /// - Parameters:
  ///   - path: a file, an index, or a folder.
  ///   - base: as for ``init(openingAny:base:)``.
  /// - Throws: ``CheckpointError``, or the error of the format.
  public init(outlining path: FilePath, base: FilePath? = nil) throws {
    do { try self.init(openingAny: path, base: base) } catch CheckpointError.undoFile(
      let file, let merged)
    {
      let needed = CompressionError.baseNeeded(file: file, base: merged)
      guard let outline = try TensorSource.outline(of: path, refusedWith: needed) else {
        throw CheckpointError.undoFile(file: file, merged: merged)
      }
      self = outline
    } catch {
      guard let outline = try TensorSource.outline(of: path, refusedWith: error) else {
        throw error
      }
      self = try outline.seenThroughWrappers()
    }
  }

  /// The base that a difference names, where it is beside it; nil for a file that is none.
  package static func base(beside source: TensorSource) throws -> TensorSource? {
    guard let name = try source.baseName() else { return nil }
    return try base(of: source, named: name, at: nil, depth: 0)
  }

  /// Differences to differences are followed, but not in circles.
  private static let largestDepth = 8

  private init(openingAny path: FilePath, base: FilePath?, depth: Int) throws {
    func open(_ path: FilePath) throws -> TensorSource {
      try TensorSource(container: path) { source, name in
        try Self.base(of: source, named: name, at: base, depth: depth)
      }.seenThroughWrappers().stackingParts()
    }
    do { self = try open(path) } catch SafetensorsError.otherCheckpoint(
      let folder, .gguf(let names))
    {
      self = try Self.ofGGUFFiles(names, in: folder, opened: open)
    }
  }

  /// What a difference was made from, opened as it was then.
  private static func base(
    of source: TensorSource, named name: String, at path: FilePath?, depth: Int
  ) throws -> TensorSource {
    if let merged = BaseReference(name).merged {
      throw CheckpointError.undoFile(file: source.path, merged: merged)
    }
    let folder = source.files.first?.removingLastComponent() ?? ""
    let sibling = FilePath(name).lastComponent.flatMap {
      $0.kind == .regular ? folder.appending($0) : nil
    }
    let needed = CompressionError.baseNeeded(file: source.path, base: name)
    guard let path = path ?? sibling, depth < largestDepth else { throw needed }
    do {
      return try TensorSource(openingAny: path.transformerFolder, base: nil, depth: depth + 1)
    } catch FileError.cannotOpen {
      throw needed
    }
  }
}

extension FilePath {
  /// The folder of the transformer, where this names a pipeline's folder.
  fileprivate var transformerFolder: FilePath {
    PipelineFolder.isPipeline(self) ? appending("transformer") : self
  }
}
