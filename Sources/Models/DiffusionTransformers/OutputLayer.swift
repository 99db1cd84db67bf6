internal import Compute
internal import ModelLoading

/// The last adaptive norm and the layer that makes velocities of it. Here the scale comes first,
/// then the shift, in both families' diffusers layout.
///
/// Source: huggingface/diffusers, `normalization.py`, `AdaLayerNormContinuous`.
struct OutputLayer: Sendable {
  private let modulation: LinearLayer
  private let projection: LinearLayer

  init(_ loader: WeightLoader, width: Int, outChannels: Int) throws(ModelError) {
    modulation = try loader.linear("norm_out.linear", from: width, to: 2 * width)
    projection = try loader.linear("proj_out", from: width, to: outChannels)
  }

  var layers: [LinearLayer] { vectorLayers + tokenLayers }
  /// The layer that acts on the conditioning vector.
  var vectorLayers: [LinearLayer] { [modulation] }
  /// The layer that acts on tokens.
  var tokenLayers: [LinearLayer] { [projection] }

  /// The velocity of the image tokens; `observe` sees the normed tokens.
  func callAsFunction(
    _ tape: Tape, _ image: Variable, modulator: Modulator, options: ForwardOptions
  ) -> Variable {
    let normed = tape.modulatedNorm(
      image, by: modulator(tape, modulation), shift: 1, scale: 0, epsilon: 1e-6)
    options.observe?(HiddenState(name: "norm_out", text: nil, image: normed.tensor))
    let output = tape.linear(normed, projection)
    options.observe?(HiddenState(name: "output", text: nil, image: output.tensor))
    return output
  }
}
