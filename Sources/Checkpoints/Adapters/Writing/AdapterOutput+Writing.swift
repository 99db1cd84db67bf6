internal import Elements
internal import Safetensors
internal import SystemPackage
internal import Tensors

extension AdapterOutput {
  /// A tensor of the file, made when it is written.
  struct Entry {
    let description: TensorDescription
    let bytes: () -> [UInt8]
  }
}

extension [AdapterOutput.Entry] {
  /// In the order of their names' bytes.
  var sortedByName: Self {
    sorted { $0.description.name.utf8.lexicographicallyPrecedes($1.description.name.utf8) }
  }

  /// Writes them as one safetensors file, unless a number is not finite.
  func write(
    to path: FilePath, metadata: Metadata, overwrite: Bool
  ) throws {
    for tensor in self where !tensor.description.isFinite(tensor.bytes()) {
      throw AdapterError.cannotWrite(
        file: path,
        detail: "tensor '\(tensor.description.name)' has numbers beyond what "
          + "\(tensor.description.dtype.rawValue) holds; take f32 or a smaller strength")
    }
    let writer = try SafetensorsWriter(
      creating: path, tensors: map(\.description), metadata: metadata, overwrite: overwrite)
    for (index, tensor) in enumerated() {
      let bytes = tensor.bytes()
      try unsafe writer.write(bytes.span.bytes, tensor: index)
    }
    try writer.commit()
  }
}

extension TensorDescription {
  /// Whether bytes of this tensor are finite numbers.
  fileprivate func isFinite(_ bytes: [UInt8]) -> Bool {
    guard dtype.isWidenable else { return true }
    return unsafe TensorView(name: name, dtype: dtype, shape: shape, copying: bytes.span.bytes)
      .floats().allSatisfy(\.isFinite)
  }
}
