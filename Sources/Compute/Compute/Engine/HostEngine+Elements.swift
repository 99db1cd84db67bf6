internal import CKernels

/// What is computed element by element, and the turning of channel pairs.
extension HostEngine {
  package func zeros(_ shape: [Int]) -> Tensor { Tensor(shape: shape, repeating: 0) }

  package func add(_ b: Tensor, times factor: Float, to a: inout Tensor) { a.add(b, times: factor) }

  package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
    unsafe zipElements(a, b) { a, b, y, count in
      for i in 0..<count { unsafe y[i] = a[i] * b[i] }
    }
  }

  package func activation(_ x: Tensor, _ f: Activation) -> Tensor {
    unsafe mapRows(x, width: 1, cost: 20) { input, output, count, _ in
      switch f {
      case .geluTanh: unsafe ck_gelu_tanh(input, output, count)
      case .gelu: unsafe ck_gelu(input, output, count)
      case .silu, .quickGELU: unsafe ck_swish(input, f.slope, output, count)
      }
    }
  }

  package func activationBackward(_ x: Tensor, _ f: Activation, gradient dy: Tensor) -> Tensor {
    unsafe zipElements(x, dy, cost: 20) { x, dy, dx, count in
      switch f {
      case .geluTanh: unsafe ck_gelu_tanh_backward(x, dy, dx, count)
      case .gelu: unsafe ck_gelu_backward(x, dy, dx, count)
      case .silu, .quickGELU: unsafe ck_swish_backward(x, f.slope, dy, dx, count)
      }
    }
  }

  package func meanSquare(
    _ x: Tensor, minus target: Tensor
  ) -> (mean: Tensor, difference: Tensor) {
    precondition(x.count == target.count, "x and the target must have as many elements")
    let difference = unsafe zipElements(x, target.reshaped(x.shape)) { x, target, y, count in
      for i in 0..<count { unsafe y[i] = x[i] - target[i] }
    }
    let sum = unsafe difference.withFloats { elements in
      unsafe elements.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    return (Tensor(shape: [], [Float(sum / Double(difference.count))]), difference)
  }

  package func meanSquareBackward(_ difference: Tensor, gradient dy: Tensor) -> Tensor {
    let factor = dy.floats[0] * 2 / Float(difference.count)
    return difference.mapped { $0 * factor }
  }

  package func rotate(_ x: Tensor, by table: RotaryTable, inverse: Bool) -> Tensor {
    let pairs = table.cosines.columns
    let width = x.columns
    precondition(x.rows == table.cosines.rows && width % (2 * pairs) == 0, "table must fit x")
    return unsafe table.cosines.withFloats { cosines in
      unsafe table.sines.withFloats { sines in
        unsafe mapRows(x, width: width, cost: 4) { input, output, rows, first in
          guard let c = cosines.baseAddress, let s = sines.baseAddress else { return }
          let kernel = unsafe table.pairing == .neighbours ? ck_rotate_pairs : ck_rotate_halves
          unsafe kernel(
            input, c + first * pairs, s + first * pairs, output, rows, width / (2 * pairs), pairs,
            inverse ? 1 : 0)
        }
      }
    }
  }
}

extension Activation {
  fileprivate var slope: Float { self == .quickGELU ? 1.702 : 1 }
}
