internal import Files
internal import JSON
internal import Safetensors
public import SystemPackage
public import Tensors
internal import Text

/// Lossless containers for checkpoints: `formats/compressed.md` describes them.
///
/// A container is a safetensors file with a packed stream in place of every tensor.
extension TensorSource {
  /// Whether this is a container: by its metadata or its tensors, so that it is not taken for
  /// something else when one of them is damaged.
  public var isCompressed: Bool {
    metadata[OriginalHeader.metadataKey] != nil
      || tensors.contains { OriginalHeader.isReserved($0.name) }
  }

  /// The name of the base that a container is a delta from, as it was given when it was made; nil
  /// when it is none. It is the file's word: don't open it without asking.
  public func baseName() throws -> String? {
    for container in try containers() {
      if let base = container.original.base { return base }
    }
    return nil
  }

  /// The checkpoint that a container restores: its tensors with their dtypes and shapes, made from
  /// the chunks that are needed when their bytes are asked for, and its metadata.
  ///
  /// Every chunk is checked when it is read; what is damaged throws
  /// ``FileError/damagedContent(file:detail:)`` with the tensor and the chunk.
  ///
  /// - Parameter base: what a delta was made from.
  /// - Returns: a source with `compressed safetensors` or `delta` as its container.
  /// - Throws: ``CompressionError``, also when the base is missing, or not the one: as far as dtypes,
  ///   shapes and a few chunks tell.
  public func decompressed(base: TensorSource? = nil) throws -> TensorSource {
    let containers = try containers()
    let shared = ChunkReading()
    var tensors: [TensorView] = []
    var metadata: Metadata = []
    for container in containers {
      tensors += try container.tensors(base: base, numberedFrom: tensors.count, shared: shared)
      metadata += container.original.header.metadata.filter { new in
        metadata[new.key] == nil
      }
    }
    let isDelta = containers.contains { $0.original.base != nil }
    return try TensorSource(
      path: path, container: isDelta ? .delta : .compressed, files: files, tensors: tensors,
      metadata: metadata, index: index, problems: problems)
  }

  /// Writes the original file that a container was made of, byte for byte; it appears complete or
  /// not at all.
  ///
  /// - Parameters:
  ///   - base: what a delta was made from.
  ///   - path: the destination.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  ///   - progress: told how many bytes of tensors were done since it was told last; may throw to
  ///     stop.
  /// - Throws: ``CompressionError``, or what `progress` throws.
  public func restore(
    base: TensorSource? = nil, to path: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void = { _ in }
  ) throws {
    let containers = try containers()
    guard containers.count == 1, let container = containers.first else {
      throw CompressionError.severalFiles(folder: self.path, count: containers.count)
    }
    let tensors = try container.tensors(base: base, numberedFrom: 0, shared: ChunkReading())
    try Self.restore(
      tensors, container.original.header, to: path, overwrite: overwrite, progress: progress)
  }

  private static func restore(
    _ tensors: [TensorView], _ header: HeaderBytes, to path: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void
  ) throws {
    let file = try AtomicFile(
      creating: path, byteCount: header.fileByteCount, overwrite: overwrite)
    unsafe try file.write(header.bytes.span.bytes, at: 0)
    for (tensor, place) in zip(tensors, header.byteRanges) {
      try Portions.forEach(of: tensor) { portion, bytes in
        try file.write(bytes, at: place.lowerBound + portion.lowerBound)
      } progress: {
        try progress($0)
      }
    }
    try file.commit()
  }

  /// The files, in their order.
  private func containers() throws -> [PackedFile] {
    guard isCompressed else { throw CompressionError.notCompressed(file: self.path) }
    var containers: [PackedFile] = []
    for file in files {
      let tensors = tensors.filter { $0.file == file }
      containers.append(try PackedFile(tensors, file: file))
    }
    return containers
  }

  /// What a difference restores, without its base: tensors that can be listed, and whose bytes are
  /// missing where they need the base.
  ///
  /// - Returns: the checkpoint, with a problem that says which base is needed.
  /// - Throws: ``CompressionError``.
  public func outlined() throws -> TensorSource {
    var tensors: [TensorView] = []
    var metadata: Metadata = []
    let base = BaseReference(try baseName() ?? "")
    let folder = files.first?.removingLastComponent() ?? ""
    let place = FilePath(base.file).lastComponent.map { folder.appending($0) } ?? folder
    for container in try containers() {
      let missing = MissingBase(file: container.file, base: base.file)
      tensors += container.original.header.tensors.map {
        TensorView(name: $0.name, dtype: $0.dtype, shape: $0.shape, content: missing)
      }
      metadata += container.original.header.metadata
    }
    let problem =
      if let merged = base.merged {
        "undo file of '\(merged)', \(place.isThere ? "found" : "not found") beside it: what it "
          + "describes is the base, which glance-merge \(merged) --undo "
          + "\(path.lastComponent?.string ?? "") --output BASE gives back"
      } else {
        "a difference to '\(base.file)', which is not beside it"
      }
    return try TensorSource(
      path: path, container: base.merged.map { .undo(of: $0) } ?? .delta, files: files,
      tensors: tensors, metadata: metadata, index: index, problems: problems + [problem])
  }
}

/// Bytes that can't be made because the base of a difference isn't there.
private struct MissingBase: TensorContent {
  let file: FilePath
  /// What it is called.
  let base: String

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    throw FileError.baseMissing(file: file, base: base)
  }
}
