package import Checkpoints
package import Elements
internal import Files
internal import JSON
internal import Safetensors
package import SystemPackage
package import Tensors

/// A checkpoint with the names, shapes and dtypes of a published one, and made-up values.
package struct CheckpointSynthesis {
  private let architecture: Architecture
  private let layout: Layout
  private let dtype: DType
  private let shardByteLimit: Int

  /// A model in a layout; folders have shards of at most so many bytes.
  package init(
    of architecture: Architecture, in layout: Layout, dtype: DType, shardByteLimit: Int
  ) {
    self.architecture = architecture
    self.layout = layout
    self.dtype = dtype
    self.shardByteLimit = shardByteLimit
  }

  /// What a folder holds: a pipeline's, or one by itself.
  package var component: ComponentSynthesis {
    ComponentSynthesis(
      configuration: architecture.configuration(), baseName: "diffusion_pytorch_model",
      tensors: tensors, shardByteLimit: shardByteLimit)
  }

  /// What is written into a file or a folder, in order.
  package func tensors(to output: FilePath) -> [TensorDescription] {
    guard output.isSafetensorsFile else { return tensors }
    // A folder's config.json says what in a file a marker has to.
    let flags = architecture.family.flags.filter { architecture.dimensions.flags[$0.name] == true }
    return tensors
      + flags.compactMap(\.marker).map {
        TensorDescription(name: layout.prefix + $0, dtype: .f32, shape: [0])
      }
  }

  private var tensors: [TensorDescription] {
    architecture.entries(in: layout).map {
      TensorDescription(
        name: layout.prefix + $0.names[0], dtype: dtype, shape: $0.shape.map { $0 ?? 0 })
    }
  }

  /// Writes one file, or a folder with config.json, shards and their index.
  package func write(to output: FilePath, filling: TensorFilling, overwrite: Bool) throws {
    guard output.isSafetensorsFile else {
      let folder = try AtomicFolder(creating: output, overwrite: overwrite)
      try component.write(into: folder.workingPath, filling: filling)
      return try folder.commit()
    }
    let tensors = tensors(to: output)
    let writer = try SafetensorsWriter(
      creating: output, tensors: tensors, metadata: [], isSparse: filling.isSparse,
      overwrite: overwrite)
    try filling.fill(
      tensors, write: { try writer.write($0, tensor: $1, at: $2) },
      leaveZeros: { writer.leaveZeros(tensor: $0) })
    try writer.commit()
  }
}

extension FilePath {
  /// Whether an output of this name is one file; any other is a folder.
  package var isSafetensorsFile: Bool { self.extension == "safetensors" }
}
