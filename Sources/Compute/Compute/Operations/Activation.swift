internal import CKernels

/// A function applied to every element.
public enum Activation: Sendable, Hashable {
  /// 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))).
  case geluTanh
  /// x · sigmoid(x).
  case silu
  /// x · sigmoid(1.702 x), CLIP's approximation.
  case quickGELU

  private var slope: Float { self == .quickGELU ? 1.702 : 1 }

  /// The function's values.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    unsafe mapRows(x, width: 1, cost: 20) { input, output, count, _ in
      switch self {
      case .geluTanh: unsafe ck_gelu_tanh(input, output, count)
      case .silu, .quickGELU: unsafe ck_swish(input, slope, output, count)
      }
    }
  }

  /// dy · f'(x).
  func backward(_ x: Tensor, gradient dy: Tensor) -> Tensor {
    unsafe zipElements(x, dy, cost: 20) { x, dy, dx, count in
      switch self {
      case .geluTanh: unsafe ck_gelu_tanh_backward(x, dy, dx, count)
      case .silu, .quickGELU: unsafe ck_swish_backward(x, slope, dy, dx, count)
      }
    }
  }
}

extension Tape {
  /// The activation of every element of x, of any shape.
  public func activated(_ x: Variable, _ activation: Activation) -> Variable {
    record(activation(x.tensor), from: [x]) { dy in
      [activation.backward(x.tensor, gradient: dy)]
    }
  }
}
