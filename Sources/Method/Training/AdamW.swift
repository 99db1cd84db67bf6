public import Compute
internal import Concurrency

/// Adam with decoupled weight decay over the factors of an adapter.
///
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (arXiv 1711.05101), in
/// the order of pytorch, `torch/optim/adamw.py`, `_single_tensor_adamw`. A factor without a
/// gradient is left alone: no decay, no step counted.
public struct AdamW: Sendable, Equatable {
  /// The constants of the method.
  public struct Constants: Sendable, Equatable {
    /// Decay of the first moment.
    public var beta1 = 0.9
    /// Decay of the second moment.
    public var beta2 = 0.999
    /// Added to the root of the second moment.
    public var epsilon = 1e-8
    /// Share of a value, times the learning rate, that a step takes away.
    public var weightDecay = 0.01

    /// PyTorch's defaults.
    public init() {}
  }

  /// Moments of one factor and the number of steps that made them.
  public struct Moments: Sendable, Equatable {
    /// Running mean of the gradient.
    public var first: Tensor
    /// Running mean of its square.
    public var second: Tensor
    /// Steps taken.
    public var stepCount = 0

    /// Moments before the first step of a factor of this shape.
    public init(shape: [Int]) {
      first = Tensor(shape: shape, repeating: 0)
      second = Tensor(shape: shape, repeating: 0)
    }
  }

  /// Moments of both factors of a module.
  public struct ModuleMoments: Sendable, Equatable {
    /// Of A.
    public var down: Moments
    /// Of B.
    public var up: Moments
  }

  /// The constants of the method.
  public let constants: Constants
  /// One for each module of the adapter, in its order.
  public var moments: [ModuleMoments]

  /// The optimiser of an adapter before the first step.
  public init(_ constants: Constants, for adapter: TrainableAdapter) {
    self.constants = constants
    moments = adapter.modules.map {
      ModuleMoments(down: Moments(shape: $0.down.shape), up: Moments(shape: $0.up.shape))
    }
  }

  /// Moves the adapter's factors one step against their gradients.
  ///
  /// - Parameters:
  ///   - adapter: the factors, changed in place.
  ///   - gradients: by module name; modules that are absent are left alone.
  ///   - learningRate: of this step.
  public mutating func step(
    _ adapter: inout TrainableAdapter, gradients: [String: FactorGradients], learningRate: Double
  ) {
    for index in adapter.modules.indices {
      guard let gradient = gradients[adapter.modules[index].name] else { continue }
      update(
        &adapter.modules[index].down, gradient.down, &moments[index].down, rate: learningRate)
      update(&adapter.modules[index].up, gradient.up, &moments[index].up, rate: learningRate)
    }
  }

  private func update(
    _ value: inout Tensor, _ gradient: Tensor, _ moments: inout Moments, rate: Double
  ) {
    moments.stepCount += 1
    let (beta1, beta2) = (Float(constants.beta1), Float(constants.beta2))
    let (complement1, complement2) = (Float(1 - constants.beta1), Float(1 - constants.beta2))
    let correction1 = 1 - power(constants.beta1, moments.stepCount)
    let correction2 = 1 - power(constants.beta2, moments.stepCount)
    let stepSize = Float(rate / correction1)
    let rootCorrection = Float(correction2.squareRoot())
    let keep = Float(1 - rate * constants.weightDecay)
    let epsilon = Float(constants.epsilon)
    unsafe value.withMutableFloats { values in
      unsafe moments.first.withMutableFloats { firsts in
        unsafe moments.second.withMutableFloats { seconds in
          unsafe gradient.withFloats { gradients in
            Parallel.forEachRange(of: values.count, size: 1 << 15, work: 16 * values.count) {
              for i in $0 {
                let g = unsafe gradients[i]
                let first = unsafe beta1 * firsts[i] + complement1 * g
                let second = unsafe beta2 * seconds[i] + complement2 * g * g
                unsafe firsts[i] = first
                unsafe seconds[i] = second
                let size = second.squareRoot() / rootCorrection + epsilon
                unsafe values[i] = values[i] * keep - stepSize * first / size
              }
            }
          }
        }
      }
    }
  }
}

/// base to a whole power, by repeated multiplication: the same on every machine.
private func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
