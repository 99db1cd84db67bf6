internal import Safetensors
public import SystemPackage
public import Tensors

/// Writes tensors and their metadata as one safetensors file.
public func writeSafetensors(
  _ tensors: [TensorView], metadata: Metadata = [], to path: FilePath,
  overwrite: Bool
) throws {
  let writer = try SafetensorsWriter(
    creating: path, tensors: tensors.map(\.description), metadata: metadata, overwrite: overwrite)
  for (index, tensor) in tensors.enumerated() { try writer.write(tensor.bytes, tensor: index) }
  try writer.commit()
}
