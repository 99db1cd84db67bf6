extension Tape {
  /// (x - mean) / sqrt(variance + epsilon) · weight + bias over the channels of each token.
  ///
  /// - Parameters:
  ///   - x: `[tokens, channels]`.
  ///   - weight: `[channels]`; nil for a norm without affine part.
  ///   - bias: `[channels]`; needs a weight.
  ///   - epsilon: added to the variance.
  /// - Returns: `[tokens, channels]`.
  public func layerNorm(_ x: Variable, weight: Tensor?, bias: Tensor?, epsilon: Float) -> Variable {
    precondition(weight != nil || bias == nil, "a bias needs a weight")
    let form = NormForm(width: x.tensor.columns, epsilon: epsilon, isCentred: true)
    let norm = engine.normalize(x.tensor, form)
    return record(norm, form, from: x, weight: weight, bias: bias)
  }

  /// x / sqrt(mean square + epsilon) · weight over groups of as many channels as the weight has:
  /// whole tokens, or each head by itself.
  ///
  /// - Parameters:
  ///   - x: `[tokens, channels]`, channels a multiple of the weight's count.
  ///   - weight: `[width]`.
  ///   - epsilon: added to the mean square.
  /// - Returns: of the shape of x.
  public func rmsNorm(_ x: Variable, weight: Tensor, epsilon: Float) -> Variable {
    let form = NormForm(width: weight.count, epsilon: epsilon, isCentred: false)
    let norm = engine.normalize(x.tensor, form)
    return record(norm, form, from: x, weight: weight, bias: nil)
  }

  private func record(
    _ norm: Normalized, _ form: NormForm, from x: Variable, weight: Tensor?, bias: Tensor?
  ) -> Variable {
    let scaled = { @Sendable [engine] (values: Tensor) in
      weight.map { engine.scaleRows(values, by: $0, offset: 0, shift: bias) } ?? values
    }
    return record(
      scaled(norm.values), from: [x],
      saving: [.activations(norm.values), .exact(norm.reciprocals)],
      remaking: { scaled($0[0]) }
    ) { [engine] saved, dy in
      let gradient = weight.map { engine.scaleRows(dy, by: $0, offset: 0, shift: nil) } ?? dy
      let norm = Normalized(values: saved[0], reciprocals: saved[1])
      return [engine.normalizeBackward(norm, form, gradient: gradient)]
    }
  }
}
