internal import Compute

/// A layer with RMS norms, attention without biases of its output, and a gated MLP: T5's and Qwen2.5's
/// alike, under different names.
struct GatedLayer: Sendable {
  let attentionNorm: Tensor
  let query: LinearLayer
  let key: LinearLayer
  let value: LinearLayer
  let output: LinearLayer
  let mlpNorm: Tensor
  let gate: LinearLayer
  let widen: LinearLayer
  let narrow: LinearLayer

  /// Its layers with weights.
  var linearLayers: [LinearLayer] { [query, key, value, output, gate, widen, narrow] }

  /// The states after the layer, `[tokens, channels]`.
  ///
  /// - Parameters:
  ///   - tape: where to compute.
  ///   - x: the states before it.
  ///   - form: of the attention.
  ///   - activation: of the MLP's gate.
  ///   - epsilon: of the norms.
  ///   - turned: queries or keys with their positions, where those are turned by them.
  /// - Returns: states of the same shape.
  func callAsFunction(
    _ tape: Tape, _ x: Variable, _ form: AttentionForm, activation: Activation, epsilon: Float,
    turned: (Variable) -> Variable = { $0 }
  ) -> Variable {
    let normed = tape.rmsNorm(x, weight: attentionNorm, epsilon: epsilon)
    let attended = tape.attention(
      turned(tape.linear(normed, query)), turned(tape.linear(normed, key)),
      tape.linear(normed, value), form)
    let joined = tape.sum(x, tape.linear(attended, output))
    let again = tape.rmsNorm(joined, weight: mlpNorm, epsilon: epsilon)
    let gate = tape.activated(tape.linear(again, gate), activation)
    let hidden = tape.elementwiseProduct(gate, tape.linear(again, widen))
    return tape.sum(joined, tape.linear(hidden, narrow))
  }
}

extension [GatedLayer] {
  /// The states after all layers; each one's weights are made ready while the one before computes.
  ///
  /// - Parameters:
  ///   - tape: where to compute.
  ///   - x: the states before the first.
  ///   - body: runs a layer.
  /// - Returns: states of the same shape.
  func run(
    _ tape: Tape, _ x: Variable, _ body: (_ layer: GatedLayer, _ x: Variable) -> Variable
  ) -> Variable {
    var x = x
    for (index, layer) in enumerated() {
      if index + 1 < count { tape.engine.prepare(self[index + 1].linearLayers) }
      x = body(layer, x)
    }
    return x
  }
}
