public import Compute
internal import Elements
public import ModelLoading

/// The text half of CLIP: a causal transformer whose state at the end token stands for the caption.
///
/// Source: huggingface/transformers, `modeling_clip.py`, `CLIPTextTransformer.forward`.
public struct CLIPTextEncoder: Sendable {
  /// What the encoder makes of a caption.
  public struct Output: Sendable {
    /// States after the last norm, `[tokens, channels]`.
    public let states: Tensor
    /// The state at the end token, `[1, channels]`.
    public let pooled: Tensor
  }

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

  private let tokens: TokenEmbedding
  private let positions: TokenEmbedding
  private let layers: [Layer]
  private let finalNorm: LayerNorm
  private let heads: Int
  private let headChannels: Int
  private let activation: Activation
  private let endToken: Int32

  /// Builds the encoder; tensors may be named with the prefix `text_model.` or without.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    let weights =
      weights.has("text_model.final_layer_norm.weight") ? weights.module("text_model") : weights
    let channels = try configuration.integer("hidden_size")
    let inner = try configuration.integer("intermediate_size")
    let epsilon = Float(try configuration.number("layer_norm_eps", default: 1e-5))
    heads = try configuration.integer("num_attention_heads", in: 1...1024)
    headChannels = try configuration.headChannels(width: channels, heads: heads)
    activation = try configuration.activation("hidden_act", default: "quick_gelu")
    endToken = Int32(try configuration.integer("eos_token_id", in: 0...10_000_000, default: 49407))
    let embeddings = weights.module("embeddings")
    tokens = try TokenEmbedding(
      embeddings, "token_embedding.weight", count: configuration.integer("vocab_size"),
      channels: channels)
    positions = try TokenEmbedding(
      embeddings, "position_embedding.weight",
      count: configuration.integer("max_position_embeddings"), channels: channels)
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
    finalNorm = try LayerNorm(
      weights, "final_layer_norm", channels: channels, epsilon: epsilon)
  }

  /// Encodes a caption's ids: at most as many as the encoder has positions.
  public func callAsFunction(_ ids: [Int32]) throws(TextEncoderError) -> Output {
    try TextEncoderError.check(ids, encoder: "CLIP", vocabulary: tokens.count)
    guard ids.count <= positions.count else {
      throw .tooLong(encoder: "CLIP", count: ids.count, limit: positions.count)
    }
    var embedded = try tokens(ids)
    embedded.add(try positions((0..<ids.count).map { Int32($0) }))
    let tape = Tape(mode: .inference)
    let form = AttentionForm(
      heads: heads, scale: 1 / Float(headChannels).squareRoot(), isCausal: true)
    var x = Variable(constant: embedded)
    for layer in layers {
      let normed = layer.norm1(tape, x)
      let attended = tape.attention(
        tape.linear(normed, layer.query), tape.linear(normed, layer.key),
        tape.linear(normed, layer.value), form)
      x = tape.sum(x, tape.linear(attended, layer.output))
      let hidden = tape.activated(tape.linear(layer.norm2(tape, x), layer.widen), activation)
      x = tape.sum(x, tape.linear(hidden, layer.narrow))
    }
    let states = finalNorm(tape, x).tensor
    let end = endPosition(ids)
    return Output(states: states, pooled: states.rows(end..<end + 1))
  }

  /// Where the end token is. Configurations from before the end token's id was right say 2, which
  /// selects the largest id.
  private func endPosition(_ ids: [Int32]) -> Int {
    let end = endToken == 2 ? ids.max() ?? 0 : endToken
    return ids.firstIndex(of: end) ?? 0
  }
}

/// A layer norm with its weight and bias.
struct LayerNorm: Sendable {
  private let weight: Tensor
  private let bias: Tensor
  private let epsilon: Float

  init(
    _ loader: WeightLoader, _ name: String, channels: Int, epsilon: Float
  ) throws(ModelError) {
    weight = try loader.floats(name + ".weight", shape: [channels])
    bias = try loader.floats(name + ".bias", shape: [channels])
    self.epsilon = epsilon
  }

  func callAsFunction(_ tape: Tape, _ x: Variable) -> Variable {
    tape.layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
  }
}
