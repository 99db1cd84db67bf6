internal import CTorch

/// Arithmetic of tensors; results are new.
extension TorchTensor {
  /// The numbers as another type: itself where they are of that type.
  func to(_ type: TorchType) throws -> TorchTensor {
    guard type != self.type else { return self }
    let result = try TorchTensor(emptyIn: session, type, sizes)
    try result.take(self)
    return result
  }

  /// A matrix with its axes exchanged; a view.
  var transposed: TorchTensor {
    get throws {
      try view([sizes[1], sizes[0]], strides: [1, sizes[1]])
    }
  }

  /// The product of matrices `[m, k]` and `[k, n]`, or of batches of them, of one type.
  func product(_ other: TorchTensor) throws -> TorchTensor {
    let shape = sizes.dropLast() + [other.sizes[other.sizes.count - 1]]
    return try unsafe binary(other, type, Array(shape)) { library, a, b in
      unsafe sizes.count == 3 ? ct_bmm(library, a, b) : ct_mm(library, a, b)
    }
  }

  /// The product element by element; sizes of 1 are repeated.
  func times(_ other: TorchTensor) throws -> TorchTensor {
    try unsafe binary(other, joinedType(other), joinedSizes(other)) {
      unsafe ct_multiply($0, $1, $2)
    }
  }

  /// Every element times a number.
  func times(_ factor: Float) throws -> TorchTensor {
    factor == 1 ? self : try times(session.scalar(factor))
  }

  /// self + factor · other; sizes of 1 are repeated.
  func plus(_ other: TorchTensor, times factor: Float = 1) throws -> TorchTensor {
    try unsafe binary(other, joinedType(other), joinedSizes(other)) {
      unsafe ct_subtract($0, $1, $2, -Double(factor))
    }
  }

  /// Every element plus a number.
  func plus(_ number: Float) throws -> TorchTensor {
    number == 0 ? self : try plus(session.scalar(number))
  }

  /// Sums over the first axis, which is gone.
  var columnSums: TorchTensor {
    get throws { try unsafe unary(Array(sizes.dropFirst())) { unsafe ct_sum($0, $1, 0, false) } }
  }

  /// Means over the last axis, which has size 1 then.
  var means: TorchTensor {
    get throws { try unsafe unary(sizes.dropLast() + [1]) { unsafe ct_means($0, $1) } }
  }

  /// 1 / sqrt(x).
  var reciprocalRoots: TorchTensor {
    get throws { try unsafe unary(sizes) { unsafe ct_reciprocal_root($0, $1) } }
  }

  /// A softmax over the last axis.
  var softmax: TorchTensor {
    get throws { try unsafe unary(sizes) { unsafe ct_softmax($0, $1) } }
  }

  /// The gradient of what this softmax was made of, for one of it.
  func softmaxBackward(_ gradient: TorchTensor) throws -> TorchTensor {
    try unsafe gradient.binary(self, .float32, sizes) { unsafe ct_softmax_backward($0, $1, $2) }
  }

  /// What a function of one tensor makes, of the same type.
  func unary(
    _ sizes: [Int], _ make: (_ library: OpaquePointer, _ x: OpaquePointer) -> OpaquePointer?
  ) throws -> TorchTensor {
    try unsafe TorchTensor(session, type, sizes) { library in
      unsafe with { unsafe make(library, $0) }
    }
  }

  /// What a function of two tensors makes.
  func binary(
    _ other: TorchTensor, _ type: TorchType, _ sizes: [Int],
    _ make: (_ library: OpaquePointer, _ a: OpaquePointer, _ b: OpaquePointer) -> OpaquePointer?
  ) throws -> TorchTensor {
    try unsafe TorchTensor(session, type, sizes) { library in
      unsafe with { a in unsafe other.with { b in unsafe make(library, a, b) } }
    }
  }

  /// PyTorch's type of a result: a scalar does not count.
  private func joinedType(_ other: TorchTensor) -> TorchType {
    other.sizes.isEmpty ? type : sizes.isEmpty ? other.type : type.joined(other.type)
  }

  private func joinedSizes(_ other: TorchTensor) -> [Int] {
    let rank = max(sizes.count, other.sizes.count)
    func padded(_ sizes: [Int]) -> [Int] {
      Array(repeating: 1, count: rank - sizes.count) + sizes
    }
    return zip(padded(sizes), padded(other.sizes)).map(max)
  }
}
