internal import CKernels

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
    let norm = Normalized(x.tensor, width: channels, epsilon: epsilon, isCentred: true)
    let scaleVector = modulation.tensor.part(scale, of: channels)
    let y = scaleRows(
      norm.values, by: scaleVector, offset: 1, shift: modulation.tensor.part(shift, of: channels))
    return record(y, from: [x, modulation]) { dy in
      let dx =
        x.needsGradient
        ? norm.backward(scaleRows(dy, by: scaleVector, offset: 1, shift: nil)) : nil
      guard modulation.needsGradient else { return [dx, nil] }
      return [
        dx,
        modulation.tensor.gradient(parts: [
          (shift, columnSums(dy)), (scale, columnSums(dy, times: norm.values)),
        ]),
      ]
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
    let gateVector = modulation.tensor.part(gate, of: channels)
    let sum = unsafe gateVector.elements.withUnsafeBufferPointer { gate in
      unsafe residual.tensor.elements.withUnsafeBufferPointer { residual in
        unsafe mapRows(x.tensor, width: channels, cost: 2) { input, output, rows, first in
          guard let gate = gate.baseAddress, let residual = residual.baseAddress else { return }
          unsafe ck_gated_sum_rows(
            residual + first * channels, input, gate, output, rows, channels)
        }
      }
    }
    return record(sum, from: [residual, x, modulation]) { dy in
      [
        dy,
        x.needsGradient ? scaleRows(dy, by: gateVector, shift: nil) : nil,
        modulation.needsGradient
          ? modulation.tensor.gradient(parts: [(gate, columnSums(dy, times: x.tensor))]) : nil,
      ]
    }
  }
}

extension Tensor {
  /// One of the vectors of `channels` elements that lie side by side in this tensor.
  fileprivate func part(_ index: Int, of channels: Int) -> Tensor {
    Tensor(shape: [channels], Array(elements[index * channels..<(index + 1) * channels]))
  }

  /// Zeros of this tensor's shape with some of its parts set.
  fileprivate func gradient(parts: [(index: Int, values: Tensor)]) -> Tensor {
    var gradient = Tensor(shape: shape, repeating: 0)
    for (index, values) in parts {
      gradient.elements.replaceSubrange(
        index * values.count..<(index + 1) * values.count, with: values.elements)
    }
    return gradient
  }
}
