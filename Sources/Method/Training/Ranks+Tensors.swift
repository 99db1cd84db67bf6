internal import Compute
internal import MessagePassing

extension Ranks {
  /// Sends a tensor's elements.
  func send(_ tensor: Tensor, to rank: Int) throws {
    try unsafe tensor.withFloats { try unsafe send(UnsafeRawBufferPointer($0), to: rank) }
  }

  /// Receives the elements of a tensor of a shape.
  func receiveTensor(shape: [Int], from rank: Int) throws -> Tensor {
    try unsafe Tensor(shape: shape) {
      try unsafe receive(UnsafeMutableRawBufferPointer($0), from: rank)
    }
  }

  /// Gives a tensor's elements of one rank to others; see ``Ranks/broadcast(_:among:)``.
  func broadcast(_ tensor: inout Tensor, among ranks: [Int]) throws {
    guard ranks.count > 1 else { return }
    if ranks.first == rank {
      // Sending changes nothing, and others may share the elements.
      try unsafe tensor.withFloats { floats in
        let bytes = unsafe UnsafeMutableRawBufferPointer(
          mutating: UnsafeRawBufferPointer(floats))
        try unsafe broadcast(bytes, among: ranks)
      }
    } else {
      try unsafe tensor.withMutableFloats {
        try unsafe broadcast(UnsafeMutableRawBufferPointer($0), among: ranks)
      }
    }
  }

  /// Gives the factors of one rank to others.
  func broadcast(_ adapter: inout TrainableAdapter, among ranks: [Int]) throws {
    guard ranks.contains(rank) else { return }
    for index in adapter.modules.indices {
      try broadcast(&adapter.modules[index].down, among: ranks)
      try broadcast(&adapter.modules[index].up, among: ranks)
    }
  }

  /// Sends gradients of an adapter: for each of its modules whether there are any, then those.
  func send(
    _ gradients: [String: FactorGradients], of adapter: TrainableAdapter, to rank: Int
  ) throws {
    let present: [UInt8] = adapter.modules.map { gradients[$0.name] == nil ? 0 : 1 }
    try unsafe present.withUnsafeBytes { try unsafe send($0, to: rank) }
    for module in adapter.modules {
      guard let gradients = gradients[module.name] else { continue }
      try send(gradients.down, to: rank)
      try send(gradients.up, to: rank)
    }
  }

  /// Receives gradients of an adapter and adds them, module by module, so that they are never held whole.
  func addGradients(
    of adapter: TrainableAdapter, from rank: Int, to sum: inout [String: FactorGradients]
  ) throws {
    var present = [UInt8](repeating: 0, count: adapter.modules.count)
    try unsafe present.withUnsafeMutableBytes { try unsafe receive($0, from: rank) }
    for (module, isPresent) in zip(adapter.modules, present) where isPresent != 0 {
      let gradients = FactorGradients(
        down: try receiveTensor(shape: module.down.shape, from: rank),
        up: try receiveTensor(shape: module.up.shape, from: rank))
      sum.add([module.name: gradients])
    }
  }
}
