internal import Checkpoints
internal import JSON
internal import Safetensors
public import SystemPackage
public import Tensors

/// A conversion that was done.
public struct ConversionResult: Sendable {
  /// What was written.
  public let output: FilePath
  /// Bytes of all tensors, before compression.
  public let byteCount: Int
  /// What rounding lost, for tensors where it lost anything.
  public let losses: [(tensor: String, loss: CastLoss)]
}

extension ConversionPlan {
  /// Carries the plan out: streams every tensor through, on all threads, in bounded memory.
  ///
  /// - Parameter progress: called with bytes that were written, from any thread; may throw to stop.
  /// - Returns: what was written and lost.
  /// - Throws: what can't be read or written, or what `progress` throws; the output is then as it was.
  public func write(
    progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> ConversionResult {
    let maker = TensorMaker(tensors)
    let losses: [CastLoss]
    switch form {
    case .file:
      losses = try write(maker, to: request.output, overwrite: request.overwrite, progress)
    case .folder(let base):
      let folder = try AtomicFolder(creating: request.output, overwrite: request.overwrite)
      losses = try write(maker, into: folder.workingPath, base: base, progress)
      try folder.commit()
    case .gguf:
      losses = []
    }
    return ConversionResult(
      output: request.output, byteCount: byteCount,
      losses: zip(tensors, losses).compactMap { tensor, loss in
        loss == CastLoss() ? nil : (tensor.name, loss)
      })
  }

  private func write(
    _ maker: TensorMaker, to path: FilePath, overwrite: Bool,
    _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    let writer = try SafetensorsWriter(
      creating: path, tensors: tensors.compactMap(\.description), metadata: metadata,
      overwrite: overwrite)
    return try maker.write(to: TensorSink(writer), progress: progress)
  }

  private func write(
    _ maker: TensorMaker, into folder: FilePath, base: String,
    _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    if let configuration {
      let text = Array((JSONValue.object(configuration).text(.pretty) + "\n").utf8)
      try writeAtomically(
        unsafe text.span.bytes, to: folder.appending("config.json"), overwrite: false)
    }
    let writer = try ShardedWriter(
      creatingIn: folder, base: base, tensors: tensors.compactMap(\.description),
      metadata: metadata, shardByteLimit: request.shardByteLimit ?? Self.usualShardByteCount,
      overwrite: false)
    return try maker.write(to: TensorSink(writer), progress: progress)
  }

  /// Source: huggingface/diffusers, `models/modeling_utils.py`, `ModelMixin.save_pretrained`.
  private static let usualShardByteCount = 10_000_000_000
}
