import Checkpoints
import CommandSupport
import Elements
import Files
import JSON
import Safetensors
import SystemPackage
import Tensors

/// A checkpoint with the names, shapes and dtypes of a published one, and made-up values.
struct CheckpointSynthesis {
  let architecture: Architecture
  let layout: Layout
  let dtype: DType
  /// Drawn from N(0, 0.02) with this seed; nil for zeros, which take no space.
  let seed: UInt64?
  let shardByteLimit: Int
  let overwrite: Bool

  /// The deviation of weights, about that of the published models.
  static let deviation: Float = 0.02

  /// What is written into a file or a folder, in order.
  func tensors(to output: FilePath) -> [TensorDescription] {
    var list = architecture.entries(in: layout).map {
      TensorDescription(
        name: layout.prefix + $0.names[0], dtype: dtype, shape: $0.shape.map { $0 ?? 0 })
    }
    // A folder's config.json says what in a file a marker has to.
    if output.isSafetensorsFile {
      for flag in architecture.family.flags where architecture.dimensions.flags[flag.name] == true {
        guard let marker = flag.marker else { continue }
        list.append(TensorDescription(name: layout.prefix + marker, dtype: .f32, shape: [0]))
      }
    }
    return list
  }

  /// Writes one file, or a folder with config.json, shards and their index.
  func write(to output: FilePath) throws {
    let tensors = tensors(to: output)
    if output.isSafetensorsFile {
      let writer = try SafetensorsWriter(
        creating: output, tensors: tensors, metadata: [], isSparse: seed == nil,
        overwrite: overwrite)
      try fill(
        tensors, write: { try writer.write($0, tensor: $1, at: $2) },
        leaveZeros: { writer.leaveZeros(tensor: $0) })
      return try writer.commit()
    }
    let folder = try AtomicFolder(creating: output, overwrite: overwrite)
    let text = Array((JSONValue.object(architecture.configuration()).text(.pretty) + "\n").utf8)
    try writeAtomically(
      unsafe text.span.bytes, to: folder.workingPath.appending("config.json"), overwrite: false)
    let writer = try ShardedWriter(
      creatingIn: folder.workingPath, base: "diffusion_pytorch_model", tensors: tensors,
      metadata: [("format", "pt")], shardByteLimit: shardByteLimit, isSparse: seed == nil,
      overwrite: false)
    try fill(
      tensors, write: { try writer.write($0, tensor: $1, at: $2) },
      leaveZeros: { try writer.leaveZeros(tensor: $0) })
    try writer.commit()
    try folder.commit()
  }

  private func fill(
    _ tensors: [TensorDescription], write: (RawSpan, Int, Int) throws -> Void,
    leaveZeros: (Int) throws -> Void
  ) throws {
    let table = seed.map { GaussianTable(dtype: dtype, deviation: Self.deviation, seed: $0) }
    let sizes = tensors.map { $0.dtype.byteCount(shape: $0.shape) ?? 0 }
    let progress = ProgressLine("writing", total: sizes.reduce(0, +), unit: .bytes)
    var done = 0
    for (number, size) in sizes.enumerated() {
      if let table {
        try table.forEachPart(ofTensor: number, byteCount: size) { part, offset in
          try Interruption.check()
          try write(part, number, offset)
        }
      } else {
        try leaveZeros(number)
      }
      done += size
      progress.update(done)
    }
    progress.finish()
  }
}

extension FilePath {
  /// Whether an output of this name is one file; any other is a folder.
  var isSafetensorsFile: Bool { self.extension == "safetensors" }
}
