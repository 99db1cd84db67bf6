public import Files
internal import JSON
public import Safetensors
public import SystemPackage
public import Tensors
internal import Text

/// Lossless containers for checkpoints: `formats/compressed.md` describes them.
///
/// A container is a safetensors file with a packed stream in place of every tensor.
public enum Compression {
  /// The key of a container's `__metadata__` that says what it is.
  public static let metadataKey = "glance.compressed"

  /// The value of ``metadataKey``: for people and programs that look at the file; reading doesn't rely on it.
  static func marker(base: String?) -> String {
    var members: [JSONObject.Member] = [.init(key: "version", value: 1)]
    if let base { members.append(.init(key: "base", value: .string(base))) }
    return JSONValue.object(JSONObject(members)).text()
  }

  /// The name of the tensor that holds a file's original header: what the index of a sharded
  /// checkpoint must list besides the tensors.
  ///
  /// - Parameter shard: as in ``CompressionInput/shard``.
  /// - Returns: `glance.header`, or with a dot and the shard behind.
  public static func headerName(shard: String?) -> String {
    OriginalHeader.tensorName + (shard.map { ".\($0)" } ?? "")
  }

  /// Whether metadata are those of a container.
  public static func isCompressed(_ metadata: Metadata) -> Bool {
    metadata[metadataKey] != nil
  }

  /// Whether a source is a container: by its metadata or its tensors, so that it is not taken for
  /// something else when one of them is damaged.
  public static func isCompressed(_ source: TensorSource) -> Bool {
    isCompressed(source.metadata)
      || source.tensors.contains { OriginalHeader.isReserved($0.name) }
  }

  /// The name of the base that a container is a delta from, as it was given when it was made; nil
  /// when it is none. It is the file's word: don't open it without asking.
  public static func baseName(of source: TensorSource) throws -> String? {
    for container in try containers(of: source) {
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
  /// - Parameters:
  ///   - source: an opened container, or the shards of one.
  ///   - base: what a delta was made from.
  /// - Returns: a source with `compressed safetensors` or `delta` as its container.
  /// - Throws: ``CompressionError``, also when the base is missing, or not the one: as far as dtypes,
  ///   shapes and a few chunks tell.
  public static func decompressed(
    _ source: TensorSource, base: TensorSource? = nil
  ) throws -> TensorSource {
    let containers = try containers(of: source)
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
      path: source.path, container: isDelta ? .delta : .compressed,
      files: source.files, tensors: tensors, metadata: metadata, index: source.index,
      problems: source.problems)
  }

  /// Writes the original file that a container was made of, byte for byte; it appears complete or
  /// not at all.
  ///
  /// - Parameters:
  ///   - source: an opened container of one file.
  ///   - base: what a delta was made from.
  ///   - path: the destination.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  ///   - progress: told how many bytes of tensors were done since it was told last; may throw to
  ///     stop.
  /// - Throws: ``CompressionError``, or what `progress` throws.
  public static func restore(
    _ source: TensorSource, base: TensorSource? = nil, to path: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void = { _ in }
  ) throws {
    let containers = try containers(of: source)
    guard containers.count == 1, let container = containers.first else {
      throw CompressionError.severalFiles(folder: source.path, count: containers.count)
    }
    let tensors = try container.tensors(base: base, numberedFrom: 0, shared: ChunkReading())
    try restore(
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

  /// The files of a source, in its order.
  private static func containers(
    of source: TensorSource
  ) throws -> [PackedFile] {
    guard isCompressed(source) else { throw CompressionError.notCompressed(file: source.path) }
    var containers: [PackedFile] = []
    for file in source.files {
      let tensors = source.tensors.filter { $0.file == file }
      containers.append(try PackedFile(tensors, file: file))
    }
    return containers
  }

  /// What a difference restores, without its base: tensors that can be listed, and whose bytes are
  /// missing where they need the base.
  ///
  /// - Returns: the checkpoint, with a problem that says which base is needed.
  /// - Throws: ``CompressionError``.
  public static func outline(
    of source: TensorSource
  ) throws -> TensorSource {
    var tensors: [TensorView] = []
    var metadata: Metadata = []
    let base = BaseReference(try baseName(of: source) ?? "")
    let folder = source.files.first?.removingLastComponent() ?? ""
    let place = FilePath(base.file).lastComponent.map { folder.appending($0) } ?? folder
    for container in try containers(of: source) {
      let missing = MissingBase(file: container.file, base: place)
      tensors += container.original.header.tensors.map {
        TensorView(name: $0.name, dtype: $0.dtype, shape: $0.shape, content: missing)
      }
      metadata += container.original.header.metadata
    }
    let problem =
      if let merged = base.merged {
        "undo file of '\(merged)', \(place.isThere ? "found" : "not found") beside it: what it "
          + "describes is the base, which glance-merge \(merged) --undo "
          + "\(source.path.lastComponent?.string ?? "") --output BASE gives back"
      } else {
        "a difference to '\(base.file)', which is not beside it"
      }
    return try TensorSource(
      path: source.path, container: base.merged.map { .undo(of: $0) } ?? .delta,
      files: source.files, tensors: tensors, metadata: metadata, index: source.index,
      problems: source.problems + [problem])
  }
}

/// Bytes that can't be made because the base of a difference isn't there.
private struct MissingBase: TensorContent {
  let file: FilePath
  /// Where it would be found.
  let base: FilePath

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    throw FileError.cannotOpen(file: base, reason: .noSuchFileOrDirectory)
  }
}
