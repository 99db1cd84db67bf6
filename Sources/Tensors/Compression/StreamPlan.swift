internal import Elements
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// What is known of one tensor's packed stream before it is written.
struct StreamPlan {
  let byteCount: Int
  let elementByteCount: Int
  let isRotated: Bool
  let usesBase: Bool
  let chunkCount: Int

  /// The plan of a tensor's stream.
  ///
  /// - Parameters:
  ///   - tensor: which.
  ///   - chunkByteCount: bytes of a chunk.
  ///   - usesBase: whether the base has the tensor too.
  ///   - file: which file errors name.
  /// - Throws: ``SafetensorsError/invalidOutput(file:detail:)`` when it can't have so many chunks.
  init(
    _ tensor: TensorDescription, chunkByteCount: Int, usesBase: Bool, file: FilePath
  ) throws {
    // Checked when the original header was made or read.
    byteCount = tensor.dtype.byteCount(shape: tensor.shape) ?? 0
    chunkCount = byteCount / chunkByteCount + (byteCount % chunkByteCount == 0 ? 0 : 1)
    guard chunkCount <= UInt32.max else {
      throw SafetensorsError.invalidOutput(
        file: file, detail: "tensor '\(tensor.name)': more chunks than a stream can have")
    }
    (elementByteCount, isRotated) = PackedTable.elements(of: tensor.dtype)
    self.usesBase = usesBase
  }

  /// Bytes of the table.
  var tableByteCount: Int {
    PackedTable.byteCount(
      chunkCount: chunkCount, elementByteCount: elementByteCount, usesBase: usesBase)
  }

  /// The most bytes that the stream can take: a plane that doesn't get smaller is stored as it is.
  var largestByteCount: Int { tableByteCount + byteCount }
}
