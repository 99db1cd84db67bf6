internal import Checkpoints
internal import Compression
internal import Containers
public import Elements
internal import Files
internal import GGUF
internal import JSON
internal import Safetensors
internal import Synchronization
public import SystemPackage
internal import Tensors

/// A conversion that was done.
public struct RewritingResult: Sendable {
  /// What was written.
  public internal(set) var output: FilePath
  /// Bytes of all tensors, before compression.
  public let byteCount: Int
  /// Bytes of the file that holds the tensors, where they are compressed.
  public let compressedByteCount: Int?
  /// What rounding lost, for tensors where it lost anything.
  public let losses: [(tensor: String, loss: CastLoss)]
  /// How far tensors that are stored in eight bits or blocks are from what went in.
  public internal(set) var errors: [(tensor: String, error: StoringError)] = []

  /// The error of all these together; nil when there are none.
  public var error: StoringError? {
    errors.isEmpty ? nil : errors.reduce(into: StoringError()) { $0 += $1.error }
  }
}

extension RewritingPlan {
  /// Carries the plan out: streams every tensor through, on all threads, in bounded memory.
  ///
  /// - Parameter progress: called with bytes that were written, from any thread; may throw to stop.
  /// - Returns: what was written and lost.
  /// - Throws: what can't be read or written, or what `progress` throws; the output is then as it was.
  public func write(
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> RewritingResult {
    let maker = PlainTensorMaker(tensors)
    var result = try write(maker, progress: progress)
    result.errors = zip(tensors, maker.errors.tensors).compactMap { tensor, error in
      error.map { (tensor.name, $0) }
    }
    return result
  }

  /// Writes tensors that another maker makes, as ``write(progress:)`` does.
  ///
  /// - Parameters:
  ///   - maker: makes the plan's tensors.
  ///   - completion: what happens when all is written, before it appears.
  ///   - progress: called with bytes that were written, from any thread; may throw to stop.
  /// - Returns: what was written and lost.
  /// - Throws: as ``write(progress:)`` does, and what `accept` throws.
  package func write(
    _ maker: some TensorMaker, completion: Completion = .nothing,
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> RewritingResult {
    let losses: [CastLoss]
    switch destination {
    case .file: losses = try writeFile(maker, to: request.output, completion, progress)
    case .folder:
      let folder = try AtomicFolder(creating: request.output, overwrite: request.form.overwrite)
      losses = try write(
        maker, into: folder.workingPath, completion: completion, progress: progress)
      try folder.commit()
    case .gguf:
      let writer = try ggufWriter(for: request.output)
      losses = try maker.write(to: TensorSink(writer), progress: progress, completion: completion)
    }
    return result(losses)
  }

  /// Writes the files of a component into a folder that exists: config.json, and the tensors as one
  /// file or shards.
  package func write(
    _ maker: some TensorMaker, into folder: FilePath, completion: Completion,
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    guard case .folder(let base) = destination else {
      preconditionFailure("the plan is for a folder")
    }
    if let configuration {
      let text = Array((JSONValue.object(configuration).text(.pretty) + "\n").utf8)
      try writeAtomically(
        unsafe text.span.bytes, to: folder.appending("config.json"), overwrite: false)
    }
    if isCompressed {
      let file = folder.appending(base + ".safetensors")
      return try writeCompressedFile(maker, to: file, completion, progress)
    }
    let writer = try ShardedWriter(
      creatingIn: folder, base: base, tensors: tensors.compactMap(\.description),
      metadata: metadata, shardByteLimit: request.form.shardByteLimit ?? Self.usualShardByteCount,
      headerReserve: completion.headerReserve, overwrite: false)
    return try maker.write(to: TensorSink(writer), progress: progress, completion: completion)
  }

  /// Source: huggingface/diffusers, `models/modeling_utils.py`, `ModelMixin.save_pretrained`.
  private static let usualShardByteCount = 10_000_000_000

  package func result(_ losses: [CastLoss]) -> RewritingResult {
    RewritingResult(
      output: request.output, byteCount: byteCount, compressedByteCount: compressedByteCount,
      losses: zip(tensors, losses).compactMap { tensor, loss in
        loss == CastLoss() ? nil : (tensor.name, loss)
      })
  }

  /// Bytes of the compressed file that was written; nil where nothing is compressed.
  private var compressedByteCount: Int? {
    guard isCompressed else { return nil }
    var file = request.output
    if case .folder(let base) = destination { file.append(base + ".safetensors") }
    return file.byteCount
  }

  private func writeFile(
    _ maker: some TensorMaker, to path: FilePath, _ completion: Completion,
    _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    if isCompressed { return try writeCompressedFile(maker, to: path, completion, progress) }
    if tensors.isUnchanged, try restore(to: path, progress) { return [] }
    let writer = try SafetensorsWriter(
      creating: path, tensors: tensors.compactMap(\.description), metadata: metadata,
      headerReserve: completion.headerReserve, overwrite: request.form.overwrite)
    return try maker.write(to: TensorSink(writer), progress: progress, completion: completion)
  }

  private func ggufWriter(for path: FilePath) throws -> GGUFWriter {
    guard let gguf else { preconditionFailure("the plan is for a GGUF file") }
    let sources = tensors.compactMap { tensor -> DType? in
      guard case .elements(let pieces, _) = tensor.origin else { return nil }
      return pieces.first?.tensor.dtype
    }
    return try GGUFWriter(
      creating: path, metadata: gguf.values(sources: sources, metadata: metadata),
      tensors: try tensors.map { tensor in
        guard let type = tensor.ggufType else {
          throw RewritingError.unsupported(
            file: request.input,
            detail: "tensor '\(tensor.name)': GGUF has no type for its elements")
        }
        return GGUFEntry(name: tensor.name, type: type, shape: tensor.shape)
      }, overwrite: request.form.overwrite)
  }
}

extension PlannedTensor {
  /// The type of GGUF that is stored; nil where there is none.
  fileprivate var ggufType: GGUFType? { GGUFType(storage) }
}

/// Compressed checkpoints.
extension RewritingPlan {
  /// Whether the output is a container of packed streams.
  public var isCompressed: Bool { request.form.isCompressed || request.form.differenceBase != nil }

  /// Writes one compressed file. A file that changes in nothing else keeps its header too, so that
  /// it comes back byte for byte.
  private func writeCompressedFile(
    _ maker: some TensorMaker, to path: FilePath, _ completion: Completion,
    _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    let base = try request.form.differenceBase.map { base in
      try OpenedCheckpoint(opening: base).source
    }
    let baseName = request.form.differenceBase?.lastComponent?.string
    if let base { try check(base) }
    let source = input.source
    // A difference finds its base's tensors by name, so names that wrappers changed are written anew.
    if tensors.isUnchanged, source.container == .safetensors, source.files.count == 1,
      let original = source.files.first, let file = try? SafetensorsFile(opening: original),
      base == nil || file.tensors.allSatisfy({ source.find($0.name) != nil })
    {
      try file.compress(
        to: path, base: base.map { ($0, baseName ?? "") },
        overwrite: request.form.overwrite, progress: progress)
      return []
    }
    var contents = CompressionInput(
      tensors: tensors.compactMap(\.description), metadata: metadata)
    contents.base = base
    contents.baseName = baseName
    let losses = Mutex(Array(repeating: CastLoss(), count: tensors.count))
    try contents.write(
      to: path, overwrite: request.form.overwrite, progress: progress,
      accept: { _ = try completion.metadata() }
    ) { tensor, range, output in
      let loss = try maker.make(
        tensors[tensor].elements(ofBytes: range), of: tensor, into: &output)
      losses.withLock { $0[tensor] += loss }
    }
    return losses.withLock { $0 }
  }

  /// Refuses a base that the difference would replace, or that has none of its tensors: it would be
  /// needed for ever and save nothing.
  private func check(_ base: TensorSource) throws {
    if FileIdentity(of: request.output).map({ output in
      base.files.contains { FileIdentity(of: $0) == output }
    }) ?? false {
      throw RewritingError.usage(
        "\(request.output): is the base of the difference, which would be lost; write to another place"
      )
    }
    let shares = tensors.contains { tensor in
      tensor.description.map { base.find($0.name)?.description == $0 } ?? false
    }
    guard shares else {
      throw RewritingError.usage(
        "\(base.path): has no tensor of the same name, type and shape as the output; bring the base "
          + "into the same layout and type first, or use --compress")
    }
  }

  /// Writes the file that a compressed input was made of, byte for byte; false when the input is
  /// none.
  private func restore(
    to path: FilePath, _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> Bool {
    guard input.source.files.count == 1, let file = input.source.files.first,
      input.source.container == .compressed || input.source.container == .delta
    else { return false }
    let packed = try TensorSource(opening: file)
    let base =
      try request.inputBase.map { try OpenedCheckpoint(opening: $0).source }
      ?? TensorSource.base(beside: packed)
    try packed.restore(
      base: base, to: path, overwrite: request.form.overwrite, progress: progress)
    return true
  }
}
