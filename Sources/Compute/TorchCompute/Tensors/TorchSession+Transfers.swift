internal import Compute
internal import Elements
internal import Files
internal import Tensors

/// What goes to the device, and the end of what can't be computed there.
extension TorchSession {
  /// Runs the body; where PyTorch can't compute it, as when memory runs out, nobody can be told any more, and the
  /// process ends with one line.
  func sure<Result>(_ body: () throws -> Result) -> Result {
    do { return try body() } catch {
      MappedFile.fail("--device \(name): \(error)")
    }
  }

  /// The elements of a tensor on the device, as a tensor of its sizes or of others.
  func operand(_ x: Tensor, _ sizes: [Int]? = nil) throws -> TorchTensor {
    let own = x.onDevice as? TorchTensor
    let found =
      if let own, own.session === self { own } else {
        try unsafe x.withFloats { try unsafe upload($0) }
      }
    let wanted = sizes ?? x.shape
    return found.sizes == wanted ? found : try found.view(wanted)
  }

  /// The same of a tensor that is asked for again and again, such as a bias, a norm's weight or an adapter's
  /// factor: what is copied from this machine's memory is kept on the device until it changes there or goes.
  func constant(_ x: Tensor, _ sizes: [Int]? = nil) throws -> TorchTensor {
    guard x.onDevice == nil else { return try operand(x, sizes) }
    let kept = try unsafe x.copy(in: self) { try unsafe upload($0) }
    guard let tensor = kept as? TorchTensor else {
      preconditionFailure("a copy of another session")
    }
    return try tensor.view(sizes ?? x.shape)
  }

  private func upload(_ floats: UnsafeBufferPointer<Float>) throws -> TorchTensor {
    count {
      $0.uploads += 1
      $0.byteCount += floats.count * MemoryLayout<Float>.stride
    }
    let result = try TorchTensor(emptyIn: self, .float32, [floats.count])
    guard !floats.isEmpty else { return result }
    try result.take(
      try unsafe TorchTensor(
        borrowing: UnsafeRawBufferPointer(floats), in: self, .float32, [floats.count]))
    return result
  }

  /// A weight on the device, `[outFeatures, inFeatures]`: copied once, or where it stands if the device is the
  /// processor.
  func weight(_ w: Weight) throws -> TorchTensor {
    let found = try w.copy(in: self) { try load(w) }
    guard let tensor = found as? TorchTensor else {
      preconditionFailure("a copy of another session")
    }
    return tensor
  }

  /// How a weight is kept: as its file has it, unless products round it anyway; what the device has no type for
  /// is widened, to bfloat16 where that loses nothing.
  func type(of w: Weight) -> TorchType {
    guard precision == .float32, !w.stored.isBFloat16 else { return .bfloat16 }
    return unsafe w.withBytesInPlace { place in unsafe place.flatMap { unsafe TorchType($0.dtype) }
    } ?? .float32
  }

  private func load(_ w: Weight) throws -> TorchTensor {
    let (sizes, type) = ([w.rows, w.columns], type(of: w))
    let loaded = try unsafe w.withBytesInPlace { place in
      guard let (dtype, bytes) = unsafe place, let stored = TorchType(dtype) else {
        return try unsafe w.stored.floats().withUnsafeBytes { floats in
          try unsafe copied(
            TorchTensor(borrowing: floats, in: self, .float32, sizes), as: type)
        }
      }
      let borrowed = try unsafe TorchTensor(
        borrowing: bytes, in: self, stored, sizes, source: w.stored)
      return isProcessor && stored == type ? borrowed : try copied(borrowed, as: type)
    }
    count {
      $0.weights += 1
      $0.weightByteCount += loaded.byteCount
    }
    return loaded
  }

  private func copied(_ x: TorchTensor, as type: TorchType) throws -> TorchTensor {
    let result = try TorchTensor(emptyIn: self, type, x.sizes)
    try result.take(x)
    return result
  }
}
