package import Compute

extension TorchEngine {
  /// Reads files ahead for weights that aren't on the device yet, and copies a block that goes through a ring.
  package func prepare(_ layers: [LinearLayer]) {
    let missing = layers.filter { !$0.weight.isCopied(in: session) }
    if !missing.isEmpty { host.prepare(missing) }
    sure { try streamed?.prepare(layers) }
  }

  /// What a product with a weight takes its operands as: one vector a pass is float32.
  private func type(rows: Int) -> TorchType { rows == 1 ? .float32 : session.activationType }

  package func product(_ x: Tensor, transposed w: Weight) -> Tensor {
    precondition(x.columns == w.columns, "x must have the weight's input features")
    if isHosted(x) { return host.product(x, transposed: w) }
    return sure {
      let type = type(rows: x.rows)
      let left = try session.operand(x, [x.rows, x.columns]).to(type)
      let y = try session.withWeight(w, as: type, in: streamed) { try left.product($0.transposed) }
      return try activations(y, [x.rows, w.rows])
    }
  }

  package func product(_ dy: Tensor, _ w: Weight) -> Tensor {
    precondition(dy.columns == w.rows, "dy must have the weight's output features")
    return sure {
      let type = type(rows: dy.rows)
      let left = try session.operand(dy, [dy.rows, dy.columns]).to(type)
      let dx = try session.withWeight(w, as: type, in: streamed) { try left.product($0) }
      return try activations(dx, [dy.rows, w.columns])
    }
  }

  /// In float32: of adapters.
  package func product(
    _ a: Tensor, transposeA: Bool, _ b: Tensor, transposeB: Bool, factor: Float
  ) -> Tensor {
    if isHosted(a), b.onDevice == nil {
      return host.product(
        a, transposeA: transposeA, b, transposeB: transposeB, factor: factor)
    }
    return sure {
      let left = try matrix(a, isTransposed: transposeA)
      // A factor, unless the product is the gradient of one.
      let right = try matrix(b, isTransposed: transposeB, isConstant: !transposeA)
      precondition(left.sizes[1] == right.sizes[0], "inner sizes must agree")
      let result = try left.product(right).times(factor)
      return tensor(result, result.sizes)
    }
  }

  private func matrix(
    _ x: Tensor, isTransposed: Bool, isConstant: Bool = false
  ) throws -> TorchTensor {
    let shape = [x.rows, x.columns]
    let found = isConstant ? try session.constant(x, shape) : try session.operand(x, shape)
    let whole = try found.to(.float32)
    return isTransposed ? try whole.transposed : whole
  }
}
