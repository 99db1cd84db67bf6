internal import Compression
internal import GGUF
public import Safetensors
public import SystemPackage

extension TensorSource {
  /// Opens a checkpoint of any format that is read: safetensors, one file or shards, plain or
  /// compressed, or GGUF. What wrappers left in the names of a known model is taken out of them.
  ///
  /// - Parameters:
  ///   - path: a file, an index, or a folder.
  ///   - base: what a difference was made from; when nil, a file or folder of the recorded name
  ///     beside the difference. A recorded path is never followed elsewhere.
  /// - Throws: ``CheckpointError``.
  public init(openingAny path: FilePath, base: FilePath? = nil) throws(CheckpointError) {
    self = try TensorSource(openingAny: path, base: base, depth: 0).seenThroughWrappers()
  }

  /// Opens a checkpoint to tell what it is: as ``init(openingAny:base:)`` does, and also differences
  /// without their base, undo files, parts without the others, and GGUF files with types that are not
  /// decoded. Bytes may then be missing.
  public init(outlining path: FilePath) throws(CheckpointError) {
    do { try self.init(openingAny: path) } catch {
      switch error {
      case .compression(.baseNeeded), .undoFile:
        let source: TensorSource
        do { source = try TensorSource(opening: path) } catch { throw .safetensors(error) }
        do { self = try Compression.outline(of: source) } catch { throw .compression(error) }
      case .safetensors(.partOfCheckpoint(let file, _, _, _)):
        let part: TensorSource
        do {
          part = TensorSource(try SafetensorsFile(opening: file), problems: ["\(error)"])
        } catch { throw .safetensors(error) }
        self = try part.seenThroughWrappers()
      case .gguf(.partOfCheckpoint(let file, _, _, _)):
        do {
          self = try openGGUF(file, listsUnknownTypes: true, joinsParts: false)
            .withProblem("\(error)")
        } catch { throw .gguf(error) }
      case .gguf(.cannotDecode(let file, _, _)):
        do { self = try openGGUF(file, listsUnknownTypes: true) } catch { throw .gguf(error) }
      default: throw error
      }
    }
  }

  /// Differences to differences are followed, but not in circles.
  private static let largestDepth = 8

  private init(openingAny path: FilePath, base: FilePath?, depth: Int) throws(CheckpointError) {
    let source: TensorSource
    do { source = try TensorSource(opening: path) } catch {
      switch error {
      case .notSafetensors(let file, .gguf):
        do { self = try openGGUF(file) } catch { throw .gguf(error) }
      case .notSafetensors(let file, .zstd) where file.extension == "zst":
        do { self = try Compression.openZstd(file) } catch { throw .compression(error) }
      default: throw .safetensors(error)
      }
      return
    }
    guard Compression.isCompressed(source) else {
      self = source
      return
    }
    let opened = try Self.base(of: source, at: base, depth: depth)
    do { self = try Compression.decompressed(source, base: opened) } catch {
      throw .compression(error)
    }
  }

  /// The base of a difference; nil when the container is none.
  private static func base(
    of source: TensorSource, at path: FilePath?, depth: Int
  ) throws(CheckpointError) -> TensorSource? {
    let name: String?
    do { name = try Compression.baseName(of: source) } catch { throw .compression(error) }
    guard let name else { return nil }
    if let merged = BaseReference(name).merged {
      throw .undoFile(file: source.path, merged: merged)
    }
    let folder = source.files.first?.removingLastComponent() ?? ""
    let sibling = FilePath(name).lastComponent.flatMap {
      $0.kind == .regular ? folder.appending($0) : nil
    }
    guard let path = path ?? sibling, depth < largestDepth else {
      throw .compression(.baseNeeded(file: source.path, base: name))
    }
    do {
      // As it was opened when the difference was made.
      return try TensorSource(openingAny: path.transformerFolder, base: nil, depth: depth + 1)
        .seenThroughWrappers()
    } catch {
      guard case .safetensors(.cannotOpen) = error else { throw error }
      throw .compression(.baseNeeded(file: source.path, base: name))
    }
  }
}

extension TensorSource {
  /// The base that a difference names, where it is beside it; nil for a file that is none.
  package static func base(beside source: TensorSource) throws(CheckpointError) -> TensorSource? {
    try base(of: source, at: nil, depth: 0)
  }

  /// Makes tensors that are made on demand, all of them: for models that run, which need their
  /// weights again and again. Mapped ones stay as they are.
  public func makeWhole() throws(CheckpointError) {
    for tensor in tensors {
      do { try tensor.makeWhole() } catch { throw .safetensors(error) }
    }
  }
}

extension FilePath {
  /// The folder of the transformer, where this names a pipeline's folder.
  fileprivate var transformerFolder: FilePath {
    PipelineFolder.isPipeline(self) ? appending("transformer") : self
  }
}
