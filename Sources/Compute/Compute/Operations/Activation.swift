/// A function applied to every element.
public enum Activation: Sendable, Hashable {
  /// 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))).
  case geluTanh
  /// 0.5 x (1 + erf(x / sqrt(2))).
  case gelu
  /// x · sigmoid(x).
  case silu
  /// x · sigmoid(1.702 x), CLIP's approximation.
  case quickGELU
}

extension Tape {
  /// The activation of every element of x, of any shape.
  public func activated(_ x: Variable, _ activation: Activation) -> Variable {
    record(
      engine.activation(x.tensor, activation), from: [x], saving: [.value(of: x)],
      remaking: { [engine] in engine.activation($0[0], activation) }
    ) { [engine] saved, dy in [engine.activationBackward(saved[0], activation, gradient: dy)] }
  }
}
