internal import Elements
internal import Files
internal import JSON
internal import Synchronization
public import SystemPackage
public import Tensors
internal import Text

/// Writes a checkpoint as one file, or as shards and their index when it is larger than one shard.
///
/// Tensors may come in any order and from several threads. A shard is created at its first byte and
/// finished at its last, so writing in about the order given keeps few files open, unless metadata are
/// to be replaced; the index comes last. For all files or none, write into an ``AtomicFolder``.
///
/// Source: huggingface/diffusers, `models/modeling_utils.py`, `ModelMixin.save_pretrained`.
public final class ShardedWriter: Sendable {
  /// The folder that the files are written into.
  public let folder: FilePath
  /// The files of tensors, in order; their index is beside them when there are several.
  public let fileNames: [String]
  /// What is written, in order.
  public let tensors: [TensorDescription]
  /// Bytes of all tensors.
  public let byteCount: Int

  private let base: String
  private let variant: String?
  private let plan: ShardPlan
  private let metadata: Metadata
  private let headerReserve: Int
  private let isSparse: Bool
  private let overwrite: Bool
  /// The shard of each tensor.
  private let shardOfTensor: [Int]
  private let shards: Mutex<[Shard]>

  private struct Shard {
    var writer: SafetensorsWriter?
    var missingByteCount: Int
  }

  /// Plans the shards; nothing is written yet.
  ///
  /// - Parameters:
  ///   - folder: where the files go; must exist.
  ///   - base: begins every name, such as `diffusion_pytorch_model`.
  ///   - variant: stands in every name too, such as `fp16`.
  ///   - tensors: what will be written, in the order of the files.
  ///   - metadata: the texts of `__metadata__`, in every shard.
  ///   - shardByteLimit: how many bytes of tensors a shard holds at most; only a tensor that is
  ///     larger by itself makes a larger one.
  ///   - headerReserve: bytes by which headers may grow; more than 0 keeps every shard open until
  ///     ``commit()``, so that ``replaceMetadata(_:)`` reaches all.
  ///   - isSparse: whether to reserve no space, so that tensors left to ``leaveZeros(tensor:)`` take
  ///     none.
  ///   - overwrite: whether files of these names may be replaced.
  /// - Throws: ``SafetensorsError/invalidOutput(file:detail:)`` for shapes without a size or names
  ///   given twice, ``FileError/writeFailed(file:reason:)`` when the space is not enough.
  public init(
    creatingIn folder: FilePath, base: String, variant: String? = nil,
    tensors: [TensorDescription], metadata: Metadata,
    shardByteLimit: Int, headerReserve: Int = 0, isSparse: Bool = false, overwrite: Bool
  ) throws {
    let base = variant.map { "\(base).\($0)" } ?? base
    try HeaderText.checkUnique(
      ["__metadata__"] + tensors.map(\.name), "tensor", file: folder.appending(base))
    let plan = try ShardPlan(
      tensors: tensors, shardByteLimit: shardByteLimit, file: folder.appending(base))
    if !isSparse { try ShardedWriter.checkRoom(for: plan.byteCounts.reduce(0, +), in: folder) }
    self.folder = folder
    self.base = base
    self.variant = variant
    self.tensors = tensors
    self.plan = plan
    self.metadata = metadata
    self.headerReserve = headerReserve
    self.isSparse = isSparse
    self.overwrite = overwrite
    fileNames = plan.names(base: base)
    byteCount = plan.byteCounts.reduce(0, +)
    shardOfTensor = plan.shards.indices.flatMap { shard in plan.shards[shard].map { _ in shard } }
    shards = Mutex(plan.byteCounts.map { Shard(missingByteCount: $0) })
  }

  /// Writes a part of a tensor, or the whole. Any order, from several threads; each byte once.
  ///
  /// - Parameters:
  ///   - bytes: little-endian, row-major.
  ///   - index: which of ``tensors``.
  ///   - byteOffset: where in the tensor the bytes begin.
  /// - Throws: what ``SafetensorsWriter`` throws.
  public func write(
    _ bytes: RawSpan, tensor index: Int, at byteOffset: Int = 0
  ) throws {
    let shard = shardOfTensor[index]
    let writer = try writer(of: shard)
    try writer.write(
      bytes, tensor: index - plan.shards[shard].lowerBound, at: byteOffset)
    try count(bytes.byteCount, in: shard, writer)
  }

  /// Counts a tensor of sparse files as written; it is zeros and takes no space.
  public func leaveZeros(tensor index: Int) throws {
    let shard = shardOfTensor[index]
    let writer = try writer(of: shard)
    writer.leaveZeros(tensor: index - plan.shards[shard].lowerBound)
    try count(tensors[index].dtype.byteCount(shape: tensors[index].shape) ?? 0, in: shard, writer)
  }

  /// Notes that bytes of a shard are there, and finishes it after the last.
  private func count(
    _ byteCount: Int, in shard: Int, _ writer: SafetensorsWriter
  ) throws {
    let isComplete = shards.withLock { shards in
      shards[shard].missingByteCount -= byteCount
      return shards[shard].missingByteCount == 0 && byteCount > 0
    }
    if isComplete, headerReserve == 0 { try writer.commit() }
  }

  /// Writes other texts of `__metadata__` into every shard, before ``commit()``; none may have been
  /// finished, so space must have been reserved.
  public func replaceMetadata(
    _ metadata: Metadata
  ) throws {
    precondition(headerReserve > 0, "shards without a reserve are finished early")
    for shard in plan.shards.indices { try writer(of: shard).replaceMetadata(metadata) }
  }

  /// Checks that every byte was written, and writes the index when there are several shards.
  public func commit() throws {
    for shard in plan.shards.indices {
      // A shard of empty tensors has had nothing to write; an incomplete one says what it lacks.
      let writer = try writer(of: shard)
      if !writer.isFinished { try writer.commit() }
    }
    if fileNames.count == 1 { return }
    let text = Array(index.text(.pretty).utf8) + [UInt8(ascii: "\n")]
    let name = ["\(unvariedBase).safetensors.index", variant, "json"].compactMap(\.self)
    unsafe try writeAtomically(
      text.span.bytes, to: folder.appending(name.joined(separator: ".")), overwrite: overwrite)
  }

  private var unvariedBase: String {
    variant.flatMap { base.droppingSuffix("." + $0) } ?? base
  }

  private var index: JSONValue {
    let map = zip(tensors, shardOfTensor).map { tensor, shard in
      JSONObject.Member(key: tensor.name, value: .string(fileNames[shard]))
    }
    return [
      "metadata": ["total_size": .integer(Int64(byteCount))],
      "weight_map": .object(JSONObject(map)),
    ]
  }

  private func writer(of shard: Int) throws -> SafetensorsWriter {
    try shards.withLock { shards throws in
      if let writer = shards[shard].writer { return writer }
      let writer = try SafetensorsWriter(
        creating: folder.appending(fileNames[shard]), tensors: Array(tensors[plan.shards[shard]]),
        metadata: metadata, headerReserve: headerReserve, isSparse: isSparse,
        overwrite: overwrite)
      shards[shard].writer = writer
      return writer
    }
  }

  private static func checkRoom(
    for byteCount: Int, in folder: FilePath
  ) throws {
    guard try hasRoom(for: byteCount, in: folder) else {
      throw FileError.writeFailed(file: folder, reason: .noSpace)
    }
  }
}
