internal import CTorch
package import Compute

/// What is computed element by element.
extension TorchEngine {
  /// On the host: nothing is computed with them that isn't small.
  package func zeros(_ shape: [Int]) -> Tensor { Tensor(shape: shape, repeating: 0) }

  package func add(_ b: Tensor, times factor: Float, to a: inout Tensor) {
    if a.onDevice == nil, b.onDevice == nil { return a.add(b, times: factor) }
    precondition(a.shape == b.shape, "shapes must agree")
    a = sure {
      let sum = try session.operand(a)
      return tensor(try sum.plus(session.operand(b), times: factor).to(sum.type), a.shape)
    }
  }

  package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.shape == b.shape, "shapes must agree")
    return sure { try activations(session.operand(a).times(session.operand(b)), a.shape) }
  }

  package func activation(_ x: Tensor, _ f: Activation) -> Tensor {
    if isHosted(x) { return host.activation(x, f) }
    return sure {
      let x = try session.operand(x)
      switch f {
      case .geluTanh, .gelu:
        return unsafe tensor(
          try x.unary(x.sizes) { unsafe ct_gelu($0, $1, f == .geluTanh) }, x.sizes)
      case .silu, .quickGELU:
        // x · sigmoid(s x) = silu(s x) / s
        let scaled = try x.times(f.slope)
        let y = try unsafe scaled.unary(x.sizes) { unsafe ct_silu($0, $1) }
        return tensor(try y.times(1 / f.slope), x.sizes)
      }
    }
  }

  package func activationBackward(_ x: Tensor, _ f: Activation, gradient dy: Tensor) -> Tensor {
    sure {
      let (x, dy) = (try session.operand(x), try session.operand(dy))
      let type = x.type.joined(dy.type)
      let (input, gradient) = (try x.times(f.slope).to(type), try dy.to(type))
      let dx = try unsafe gradient.binary(input, type, x.sizes) { library, dy, x in
        switch f {
        case .geluTanh, .gelu: unsafe ct_gelu_backward(library, dy, x, f == .geluTanh)
        case .silu, .quickGELU: unsafe ct_silu_backward(library, dy, x)
        }
      }
      return try activations(dx, x.sizes)
    }
  }

  /// In float32, as the sum is.
  package func meanSquare(
    _ x: Tensor, minus target: Tensor
  ) -> (mean: Tensor, difference: Tensor) {
    precondition(x.count == target.count, "x and the target must have as many elements")
    return sure {
      let difference = try session.operand(x).to(.float32)
        .plus(session.operand(target, x.shape), times: -1)
      let all = try difference.view([1, x.count])
      let mean = try all.times(all).means
      return (tensor(try mean.view([]), []), tensor(difference, x.shape))
    }
  }

  package func meanSquareBackward(_ difference: Tensor, gradient dy: Tensor) -> Tensor {
    let factor = dy.floats[0] * 2 / Float(difference.count)
    return sure { tensor(try session.operand(difference).times(factor), difference.shape) }
  }

  package func rotate(_ x: Tensor, by table: RotaryTable, inverse: Bool) -> Tensor {
    let pairs = table.cosines.columns
    let heads = x.columns / (2 * pairs)
    precondition(
      x.rows == table.cosines.rows && x.columns == 2 * pairs * heads, "table must fit x")
    return sure {
      let input = try session.operand(x)
      let result = try TorchTensor(emptyIn: session, input.type, x.shape)
      let angles = [x.rows, 1, pairs]
      let (cosines, sines) = (
        try session.constant(table.cosines, angles), try session.constant(table.sines, angles)
      )
      let (first, second) = (
        try part(0, of: input, table, heads), try part(1, of: input, table, heads)
      )
      let sign: Float = inverse ? -1 : 1
      try part(0, of: result, table, heads).take(
        try first.times(cosines).plus(second.times(sines), times: -sign))
      try part(1, of: result, table, heads).take(
        try second.times(cosines).plus(first.times(sines), times: sign))
      return tensor(result, x.shape)
    }
  }

  /// The first or second channels of all pairs, `[tokens, heads, pairs]`; a view.
  private func part(
    _ index: Int, of x: TorchTensor, _ table: RotaryTable, _ heads: Int
  ) throws -> TorchTensor {
    let (tokens, pairs) = (table.cosines.rows, table.cosines.columns)
    let areNeighbours = table.pairing == .neighbours
    return try x.view(
      [tokens, heads, pairs],
      strides: [heads * 2 * pairs, 2 * pairs, areNeighbours ? 2 : 1],
      from: index * (areNeighbours ? 1 : pairs))
  }

  /// On the host: its tensors are latents.
  package func guide(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm
  ) -> Tensor { host.guide(positive, against: negative, form) }

  package func guideBackward(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm, gradient: Tensor
  ) -> (positive: Tensor, negative: Tensor) {
    host.guideBackward(positive, against: negative, form, gradient: gradient)
  }
}

extension Activation {
  /// What x is multiplied by first.
  fileprivate var slope: Float { self == .quickGELU ? 1.702 : 1 }
}
