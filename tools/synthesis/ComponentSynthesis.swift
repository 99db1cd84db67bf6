internal import Elements
internal import Files
package import JSON
internal import Safetensors
package import SystemPackage
package import Tensors

/// A folder of a model: config.json, and tensors in shards with their index.
package struct ComponentSynthesis {
  /// What is written, in order.
  package let tensors: [TensorDescription]
  private let configuration: JSONObject
  private let baseName: String
  private let deviations: [StatedDeviation]
  private let shardByteLimit: Int

  /// A folder to be.
  ///
  /// - Parameters:
  ///   - configuration: what config.json says.
  ///   - baseName: what the names of its other files begin with.
  ///   - tensors: what is written, in order.
  ///   - deviations: of scaled values that shapes don't tell.
  ///   - shardByteLimit: bytes of tensors in a shard at most.
  package init(
    configuration: JSONObject, baseName: String, tensors: [TensorDescription],
    deviations: [StatedDeviation] = [], shardByteLimit: Int
  ) {
    self.configuration = configuration
    self.baseName = baseName
    self.tensors = tensors
    self.deviations = deviations
    self.shardByteLimit = shardByteLimit
  }

  /// Writes the files into a folder that exists.
  package func write(into folder: FilePath, filling: TensorFilling) throws {
    try writeDocument(.object(configuration), to: folder.appending("config.json"))
    let writer = try ShardedWriter(
      creatingIn: folder, base: baseName, tensors: tensors, metadata: [("format", "pt")],
      shardByteLimit: shardByteLimit, isSparse: filling.isSparse, overwrite: false)
    try filling.fill(
      tensors, deviations: deviations, write: { try writer.write($0, tensor: $1, at: $2) },
      leaveZeros: { try writer.leaveZeros(tensor: $0) })
    try writer.commit()
  }
}

/// Writes a JSON document as people read it.
func writeDocument(_ document: JSONValue, to file: FilePath) throws {
  let text = Array((document.text(.pretty) + "\n").utf8)
  try writeAtomically(unsafe text.span.bytes, to: file, overwrite: false)
}

extension [TensorDescription] {
  /// Bytes of all of them.
  package var byteCount: Int { reduce(0) { $0 + ($1.dtype.byteCount(shape: $1.shape) ?? 0) } }
}
