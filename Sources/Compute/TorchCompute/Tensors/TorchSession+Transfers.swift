internal import Compute
internal import Files

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
}
