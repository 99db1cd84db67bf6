package import Tensors
internal import Text

/// What the made-up elements of a tensor are like: normal, with this mean and deviation.
package struct ValueSpread: Sendable, Equatable {
  let mean: Float
  let deviation: Float

  /// About the weights of the published models, whatever the tensor is.
  package static let uniform = ValueSpread(mean: 0, deviation: 0.02)

  /// What keeps activations of one size through any number of layers: a matrix or kernel gives sums of
  /// `inputs` products the deviation 1, norms nearly leave what they get, and biases are small.
  ///
  /// - Parameters:
  ///   - tensor: whose values they are.
  ///   - deviations: for tensors whose shape doesn't tell.
  package init(scaledFor tensor: TensorDescription, _ deviations: [StatedDeviation] = []) {
    let inputs = tensor.shape.dropFirst().reduce(1, *)
    if let stated = deviations.first(where: { tensor.name.utf8HasSuffix($0.end) }) {
      self.init(mean: 0, deviation: stated.deviation)
    } else if tensor.name.utf8HasSuffix("bias") {
      self.init(mean: 0, deviation: 0.02)
    } else if inputs == 1 {
      self.init(mean: 1, deviation: 0.02)
    } else {
      self.init(mean: 0, deviation: 1 / Float(inputs).squareRoot())
    }
  }

  /// Normal values with this mean and deviation.
  package init(mean: Float, deviation: Float) {
    self.mean = mean
    self.deviation = deviation
  }
}

/// The deviation of tensors whose names end so.
package typealias StatedDeviation = (end: String, deviation: Float)
