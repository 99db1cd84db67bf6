internal import Compute
internal import ModelLoading

/// The layers of a transformer that both halves of CLIP have.
///
/// **Source:** huggingface/transformers, `modeling_clip.py`, `CLIPEncoderLayer.forward`, `CLIPAttention` and
/// `CLIPMLP`.
struct CLIPLayers: Sendable {
  private struct Layer: Sendable {
    let norm1: LayerNorm
    let query: LinearLayer
    let key: LinearLayer
    let value: LinearLayer
    let output: LinearLayer
    let norm2: LayerNorm
    let widen: LinearLayer
    let narrow: LinearLayer
  }

  private let layers: [Layer]
  private let form: AttentionForm
  private let activation: Activation

  /// Layers of a half's configuration.
  ///
  /// - Parameters:
  ///   - configuration: the half's.
  ///   - weights: its tensors.
  ///   - isCausal: whether a token sees those before it only.
  /// - Throws: what doesn't fit together.
  init(
    _ configuration: ModelConfiguration, _ weights: WeightLoader, isCausal: Bool
  ) throws(ModelError) {
    let channels = try configuration.integer("hidden_size")
    let inner = try configuration.integer("intermediate_size")
    let epsilon = Float(try configuration.number("layer_norm_eps", default: 1e-5))
    let heads = try configuration.integer("num_attention_heads", in: 1...1024)
    let headChannels = try configuration.headChannels(width: channels, heads: heads)
    form = AttentionForm(
      heads: heads, scale: 1 / Float(headChannels).squareRoot(), isCausal: isCausal)
    activation = try configuration.activation("hidden_act", default: "quick_gelu")
    var layers: [Layer] = []
    for index in 0..<(try configuration.integer("num_hidden_layers", in: 1...1000)) {
      let layer = weights.module("encoder.layers.\(index)")
      let attention = layer.module("self_attn")
      layers.append(
        Layer(
          norm1: try LayerNorm(layer, "layer_norm1", channels: channels, epsilon: epsilon),
          query: try attention.linear("q_proj", from: channels, to: channels),
          key: try attention.linear("k_proj", from: channels, to: channels),
          value: try attention.linear("v_proj", from: channels, to: channels),
          output: try attention.linear("out_proj", from: channels, to: channels),
          norm2: try LayerNorm(layer, "layer_norm2", channels: channels, epsilon: epsilon),
          widen: try layer.linear("mlp.fc1", from: channels, to: inner),
          narrow: try layer.linear("mlp.fc2", from: inner, to: channels)))
    }
    self.layers = layers
  }

  /// Each one's layers with weights.
  var linearLayers: [[LinearLayer]] {
    layers.map { [$0.query, $0.key, $0.value, $0.output, $0.widen, $0.narrow] }
  }

  /// The states after the last layer.
  func callAsFunction(_ tape: Tape, _ x: Variable) -> Variable {
    var x = x
    for layer in layers {
      let normed = layer.norm1(tape, x)
      let attended = tape.attention(
        tape.linear(normed, layer.query), tape.linear(normed, layer.key),
        tape.linear(normed, layer.value), form)
      x = tape.sum(x, tape.linear(attended, layer.output))
      let hidden = tape.activated(tape.linear(layer.norm2(tape, x), layer.widen), activation)
      x = tape.sum(x, tape.linear(hidden, layer.narrow))
    }
    return x
  }
}
