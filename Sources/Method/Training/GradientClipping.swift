public import Compute

extension Dictionary where Key == String, Value == FactorGradients {
  /// The square root of the sum of all squares, in double precision. Keys are taken in order, so
  /// that the sum has one value.
  public var globalNorm: Double {
    keys.sorted().reduce(0.0) { sum, key in
      guard let gradients = self[key] else { return sum }
      let (down, up) = (gradients.down.norm, gradients.up.norm)
      return sum + down * down + up * up
    }.squareRoot()
  }

  /// Scales all gradients down so that their global norm is at most `maximum`.
  ///
  /// Source: pytorch, `torch/nn/utils/clip_grad.py`, `clip_grad_norm_`, whose factor is
  /// maximum / (norm + 1e-6), at most 1.
  ///
  /// - Parameter maximum: largest norm; nil or 0 clips nothing.
  /// - Returns: the norm before clipping.
  public mutating func clip(toNorm maximum: Double?) -> Double {
    let norm = globalNorm
    guard let maximum, maximum > 0 else { return norm }
    let factor = Float(Swift.min(1, maximum / (norm + 1e-6)))
    if factor < 1 { scale(by: factor) }
    return norm
  }

  /// Multiplies all gradients by a factor.
  public mutating func scale(by factor: Float) {
    for key in keys {
      self[key]?.down.scale(by: factor)
      self[key]?.up.scale(by: factor)
    }
  }

  /// Adds another set of gradients; modules that only the other has are taken over.
  public mutating func add(_ other: [String: FactorGradients]) {
    merge(other) { sum, gradients in
      var sum = sum
      sum.down.add(gradients.down)
      sum.up.add(gradients.up)
      return sum
    }
  }
}
