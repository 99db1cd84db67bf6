extension Tape {
  /// (1 + scale) · layerNorm(x) + shift, the adaptive norm of a DiT block, without affine weights.
  ///
  /// Source: black-forest-labs/flux, `modules/layers.py`, `DoubleStreamBlock.forward`.
  ///
  /// - Parameters:
  ///   - x: `[tokens, channels]`.
  ///   - modulation: all modulation vectors of the block side by side, `[1, n · channels]`.
  ///   - shift: which of the n vectors is the shift.
  ///   - scale: which of them is the scale.
  ///   - epsilon: of the norm.
  /// - Returns: `[tokens, channels]`.
  public func modulatedNorm(
    _ x: Variable, by modulation: Variable, shift: Int, scale: Int, epsilon: Float
  ) -> Variable {
    let channels = x.tensor.columns
    let form = NormForm(width: channels, epsilon: epsilon, isCentred: true)
    let norm = engine.normalize(x.tensor, form)
    let scaleVector = part(scale, of: channels, of: modulation)
    let shiftVector = part(shift, of: channels, of: modulation)
    let y = engine.scaleRows(norm.values, by: scaleVector, offset: 1, shift: shiftVector)
    let needs = (x: x.needsGradient, modulation: modulation.needsGradient)
    let parts = modulation.tensor.shape
    return record(
      y, from: [x, modulation],
      saving: [
        .activations(norm.values), .exact(norm.reciprocals), .exact(scaleVector),
        .exact(shiftVector),
      ],
      remaking: { [engine] in engine.scaleRows($0[0], by: $0[2], offset: 1, shift: $0[3]) }
    ) { [engine] saved, dy in
      let norm = Normalized(values: saved[0], reciprocals: saved[1])
      let scaled = needs.x ? engine.scaleRows(dy, by: saved[2], offset: 1, shift: nil) : nil
      let dx = scaled.map { engine.normalizeBackward(norm, form, gradient: $0) }
      guard needs.modulation else { return [dx, nil] }
      let sums = [
        (shift * channels, engine.columnSums(dy, times: nil)),
        (scale * channels, engine.columnSums(dy, times: norm.values)),
      ]
      return [dx, engine.spreadColumns(sums, in: parts)]
    }
  }

  /// residual + gate · x, the gate one of the block's modulation vectors.
  ///
  /// - Parameters:
  ///   - residual: `[tokens, channels]`.
  ///   - x: `[tokens, channels]`.
  ///   - modulation: `[1, n · channels]`.
  ///   - gate: which of the n vectors is the gate.
  /// - Returns: `[tokens, channels]`.
  public func gatedSum(
    _ residual: Variable, _ x: Variable, by modulation: Variable, gate: Int
  ) -> Variable {
    let channels = x.tensor.columns
    let gateVector = part(gate, of: channels, of: modulation)
    let sum = engine.gatedSum(residual.tensor, x.tensor, gate: gateVector)
    let needs = (x: x.needsGradient, modulation: modulation.needsGradient)
    let parts = modulation.tensor.shape
    return record(
      sum, from: [residual, x, modulation],
      saving: [.exact(gateVector)] + (needs.modulation ? [.value(of: x)] : [])
    ) { [engine] saved, dy in
      [
        dy, needs.x ? engine.scaleRows(dy, by: saved[0], offset: 0, shift: nil) : nil,
        needs.modulation
          ? engine.spreadColumns(
            [(gate * channels, engine.columnSums(dy, times: saved[1]))], in: parts) : nil,
      ]
    }
  }

  /// One of the vectors of `channels` elements that lie side by side, `[1, channels]`.
  private func part(_ index: Int, of channels: Int, of modulation: Variable) -> Tensor {
    engine.columns(index * channels..<(index + 1) * channels, of: modulation.tensor)
  }
}
