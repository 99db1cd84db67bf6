public import Safetensors
public import SystemPackage
public import Tensors

/// What compressing made.
public struct CompressionSummary: Sendable, Equatable {
  /// Size of the original file.
  public var originalByteCount = 0
  /// Size of the container.
  public var byteCount = 0
  /// Bytes of tensors that are the base's.
  public var sameByteCount = 0
  /// Bytes of tensors that are stored as a difference to the base's.
  public var differenceByteCount = 0

  mutating func count(_ coding: PackedTable.Coding, byteCount: Int) {
    switch coding {
    case .sameAsBase: sameByteCount += byteCount
    case .difference: differenceByteCount += byteCount
    case .planes, .rotatedPlanes: break
    }
  }
}

/// What a container is made of.
public struct CompressionInput {
  /// The tensors, in the order of the original header; the container holds them in this order.
  public let tensors: [TensorDescription]
  /// The texts of the original's `__metadata__`; not looked at when ``originalHeader`` is given.
  public let metadata: Metadata
  /// The original file's first bytes (length word, JSON, padding), so that it is restored byte for
  /// byte; nil for the header that ``SafetensorsWriter`` would write.
  public var originalHeader: [UInt8]?
  /// What to store differences to; any source that has tensors of the same names.
  public var base: TensorSource?
  /// The base's name for people who restore, up to 4096 bytes; nothing is opened by it.
  public var baseName: String?
  /// Which file of a sharded checkpoint this is, in ASCII; so that the names of all files differ.
  public var shard: String?
  /// Bytes of a tensor in a chunk: a multiple of 8, at most ``PackedTable/chunkByteLimit``.
  public var chunkByteCount = 1 << 20

  /// What a container of these tensors is made of.
  public init(tensors: [TensorDescription], metadata: Metadata) {
    self.tensors = tensors
    self.metadata = metadata
  }
}

extension CompressionInput {
  /// The name of the tensor that holds the file's original header, `glance.header`, or with a dot and
  /// the shard behind: what the index of a sharded checkpoint must list besides the tensors.
  var headerName: String { OriginalHeader.tensorName + (shard.map { ".\($0)" } ?? "") }

  /// Writes a compressed checkpoint; it appears complete or not at all.
  ///
  /// Chunks are made and compressed on ``Parallel/threadCount`` threads, a few at a time; the bytes
  /// written depend on the input alone.
  ///
  /// - Parameters:
  ///   - path: the destination; its folder must exist.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  ///   - progress: told how many bytes of tensors were done since it was told last; may throw to stop.
  ///   - accept: called when all is written, before it appears; may throw to give it up.
  ///   - produce: puts a range of bytes of a tensor, an index into the input's, into the span; called
  ///     from several threads. What it throws is thrown on.
  /// - Returns: what was saved.
  /// - Throws: ``CompressionError``, or what a closure throws.
  @discardableResult
  public func write(
    to path: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void = { _ in }, accept: () throws -> Void = {},
    produce: (_ tensor: Int, _ range: Range<Int>, _ output: inout MutableRawSpan) throws -> Void
  ) throws -> CompressionSummary {
    let writer = try CompressedWriter(self, creating: path, overwrite: overwrite)
    try writer.writeChunks(produce: produce, progress: progress)
    try accept()
    return try writer.commit()
  }

  /// Writes the bytes of these tensors.
  fileprivate func write(
    _ tensors: [TensorView], to path: FilePath, overwrite: Bool,
    progress: (Int) throws -> Void
  ) throws -> CompressionSummary {
    try write(to: path, overwrite: overwrite, progress: progress) {
      tensor, range, output in
      try unsafe output.withUnsafeMutableBytes { output in
        try tensors[tensor].withBytes(range) { bytes in
          unsafe bytes.withUnsafeBytes { unsafe output.copyMemory(from: $0) }
        }
      }
    }
  }
}

extension SafetensorsFile {
  /// Compresses the file, so that it is restored byte for byte.
  ///
  /// - Parameters:
  ///   - path: the destination.
  ///   - base: what to store differences to, and its name for people who restore.
  ///   - shard: which file of a sharded checkpoint this is; see ``CompressionInput/shard``.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  ///   - progress: told how many bytes of tensors were done since it was told last; may throw to stop.
  /// - Returns: what was saved.
  /// - Throws: ``CompressionError``, or what `progress` throws.
  @discardableResult
  public func compress(
    to path: FilePath, base: (source: TensorSource, name: String)? = nil,
    shard: String? = nil, overwrite: Bool, progress: (Int) throws -> Void = { _ in }
  ) throws -> CompressionSummary {
    var input = CompressionInput(
      tensors: tensors.map(\.description), metadata: metadata)
    input.originalHeader = unsafe headerBytes.withUnsafeBytes { unsafe Array($0) }
    input.base = base?.source
    input.baseName = base?.name
    input.shard = shard
    return try input.write(tensors, to: path, overwrite: overwrite, progress: progress)
  }
}

extension TensorSource {
  /// Compresses all tensors into one file, which restores not as the files of the source,
  /// whose headers a source does not have, but as the file that
  /// `SafetensorsWriter` writes of them.
  ///
  /// - Parameters:
  ///   - path: the destination.
  ///   - base: what to store differences to, and its name for people who restore.
  ///   - overwrite: whether a regular file at the destination may be replaced.
  ///   - progress: told how many bytes of tensors were done since it was told last; may throw to stop.
  /// - Returns: what was saved.
  /// - Throws: ``CompressionError``, or what `progress` throws.
  @discardableResult
  public func compress(
    to path: FilePath, base: (source: TensorSource, name: String)? = nil,
    overwrite: Bool, progress: (Int) throws -> Void = { _ in }
  ) throws -> CompressionSummary {
    var input = CompressionInput(
      tensors: tensors.map(\.description), metadata: metadata)
    input.base = base?.source
    input.baseName = base?.name
    return try input.write(tensors, to: path, overwrite: overwrite, progress: progress)
  }
}
