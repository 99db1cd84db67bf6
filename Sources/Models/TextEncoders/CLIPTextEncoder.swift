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

  private let tokens: TokenEmbedding
  private let positions: TokenEmbedding
  private let layers: CLIPLayers
  private let finalNorm: LayerNorm
  private let endToken: Int32

  /// Builds the encoder; tensors may be named with the prefix `text_model.` or without.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    let weights =
      weights.has("text_model.final_layer_norm.weight") ? weights.module("text_model") : weights
    let channels = try configuration.integer("hidden_size")
    let epsilon = Float(try configuration.number("layer_norm_eps", default: 1e-5))
    endToken = Int32(try configuration.integer("eos_token_id", in: 0...10_000_000, default: 49407))
    let embeddings = weights.module("embeddings")
    tokens = try TokenEmbedding(
      embeddings, "token_embedding.weight", count: configuration.integer("vocab_size"),
      channels: channels)
    positions = try TokenEmbedding(
      embeddings, "position_embedding.weight",
      count: configuration.integer("max_position_embeddings"), channels: channels)
    layers = try CLIPLayers(configuration, weights, isCausal: true)
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
    let tape = Tape(ofTextEncoder: layers.linearLayers)
    let states = finalNorm(tape, layers(tape, Variable(constant: embedded))).tensor.onHost()
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
