public import Compute
internal import Elements
internal import JSON
public import ModelLoading

#if canImport(Glibc)
  internal import Glibc
#endif

/// The encoder of T5 v1.1: relative positions instead of absolute ones, no biases, no scale of the
/// scores, gated MLPs. Padding takes part in attention, as in the FLUX.1 pipeline.
///
/// Source: huggingface/transformers, `modeling_t5.py`, `T5Stack`, `T5Attention`,
/// `T5DenseGatedActDense`.
public struct T5Encoder: Sendable {
  private let tokens: TokenEmbedding
  private let layers: [GatedLayer]
  private let finalNorm: Tensor
  private let heads: Int
  private let epsilon: Float
  private let activation: Activation
  private let buckets: RelativeBuckets
  /// `[buckets, heads]`: the first layer's, which all share.
  private let bias: Tensor

  /// Builds the encoder of a gated model; others are refused.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    let form = try configuration.feedForwardForm()
    guard form == "gated-gelu" || form == "gated-silu" else {
      throw .configuration(
        file: configuration.file, key: "feed_forward_proj",
        expected: "gated-gelu or gated-silu (T5 v1.1)", found: "'\(form)'")
    }
    activation = form == "gated-gelu" ? .geluTanh : .silu
    let channels = try configuration.integer("d_model")
    let inner = try configuration.integer("d_ff")
    heads = try configuration.integer("num_heads", in: 1...1024)
    let width = heads * (try configuration.integer("d_kv", in: 1...4096))
    epsilon = Float(try configuration.number("layer_norm_epsilon", default: 1e-6))
    buckets = try RelativeBuckets(configuration)
    let name =
      weights.has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight"
    tokens = try TokenEmbedding(
      weights, name, count: configuration.integer("vocab_size"), channels: channels)
    bias = try weights.floats(
      "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
      shape: [buckets.count, heads])
    var layers: [GatedLayer] = []
    for index in 0..<(try configuration.integer("num_layers", in: 1...1000)) {
      let block = weights.module("encoder.block.\(index)")
      let attention = block.module("layer.0.SelfAttention")
      let mlp = block.module("layer.1.DenseReluDense")
      func linear(_ loader: WeightLoader, _ name: String, _ from: Int, _ to: Int)
        throws(ModelError) -> LinearLayer
      { try loader.linear(name, from: from, to: to, hasBias: false) }
      layers.append(
        GatedLayer(
          attentionNorm: try block.floats("layer.0.layer_norm.weight", shape: [channels]),
          query: try linear(attention, "q", channels, width),
          key: try linear(attention, "k", channels, width),
          value: try linear(attention, "v", channels, width),
          output: try linear(attention, "o", width, channels),
          mlpNorm: try block.floats("layer.1.layer_norm.weight", shape: [channels]),
          gate: try linear(mlp, "wi_0", channels, inner),
          widen: try linear(mlp, "wi_1", channels, inner),
          narrow: try linear(mlp, "wo", inner, channels)))
    }
    self.layers = layers
    finalNorm = try weights.floats("encoder.final_layer_norm.weight", shape: [channels])
  }

  /// The states of all ids, padding included, `[ids.count, channels]`.
  public func callAsFunction(_ ids: [Int32]) throws(TextEncoderError) -> Tensor {
    try TextEncoderError.check(ids, encoder: "T5", vocabulary: tokens.count)
    let tape = Tape(ofTextEncoder: layers.map(\.linearLayers))
    let form = AttentionForm(heads: heads, scale: 1, relativeBias: relativeBias(ids.count))
    let x = layers.run(tape, Variable(constant: try tokens(ids))) { layer, x in
      layer(tape, x, form, activation: activation, epsilon: epsilon)
    }
    return tape.rmsNorm(x, weight: finalNorm, epsilon: epsilon).tensor.onHost()
  }

  /// The bias of every distance between two of `count` tokens, `[heads, 2 · count - 1]`.
  private func relativeBias(_ count: Int) -> Tensor {
    let bias = bias.floats
    var table = [Float](repeating: 0, count: heads * (2 * count - 1))
    for offset in 1 - count..<count {
      let bucket = buckets.bucket(ofOffset: offset)
      for head in 0..<heads {
        table[head * (2 * count - 1) + offset + count - 1] = bias[bucket * heads + head]
      }
    }
    return Tensor(shape: [heads, 2 * count - 1], table)
  }
}

/// Distances between tokens in both directions, near ones apart, far ones in logarithmic groups.
///
/// Source: huggingface/transformers, `modeling_t5.py`, `T5Attention._relative_position_bucket`.
struct RelativeBuckets: Sendable {
  let count: Int
  /// More than the distances that have a bucket of their own.
  let maximumDistance: Int

  /// What a configuration says.
  init(_ configuration: ModelConfiguration) throws(ModelError) {
    let key = "relative_attention_max_distance"
    count = try configuration.integer("relative_attention_num_buckets", in: 4...4096, default: 32)
    maximumDistance = try configuration.integer(key, in: 2...1_000_000, default: 128)
    guard maximumDistance > count / 4 else {
      throw .configuration(
        file: configuration.file, key: key,
        expected: "more than a quarter of relative_attention_num_buckets, \(count / 4)",
        found: "\(maximumDistance)")
    }
  }

  /// The bucket of a key that stands `offset` positions after its query.
  func bucket(ofOffset offset: Int) -> Int {
    let half = count / 2
    let direction = offset > 0 ? half : 0
    let distance = abs(offset)
    let exact = half / 2
    guard distance >= exact else { return direction + distance }
    // In single precision, as the source computes the logarithms.
    let ratio =
      logf(Float(distance) / Float(exact)) / Float(log(Double(maximumDistance) / Double(exact)))
    return direction + min(exact + Int(ratio * Float(half - exact)), half - 1)
  }
}

extension ModelConfiguration {
  /// The form of T5's MLPs: `feed_forward_proj`, or what transformers 5 derives from it. A
  /// configuration without either means transformers' own default, which is not gated.
  ///
  /// Source: huggingface/transformers, `configuration_t5.py`, `T5Config`.
  fileprivate func feedForwardForm() throws(ModelError) -> String {
    if values["feed_forward_proj"] != nil { return try string("feed_forward_proj") }
    let activation = try string("dense_act_fn", default: "relu")
    let isGated = try bool("is_gated_act", default: false)
    return (isGated ? "gated-" : "") + (activation == "gelu_new" ? "gelu" : activation)
  }
}
