public import Compute
internal import Elements
internal import JSON
public import ModelLoading

#if canImport(Glibc)
  internal import Glibc
#endif

/// The language part of Qwen2.5-VL for text alone: grouped-query attention, SwiGLU, RMS norms.
///
/// With text only, the positions of all three axes of its rotary embedding are equal, which is the
/// plain embedding of one axis. Attention is causal, so padding on the right would change nothing
/// before it: texts are encoded without padding.
///
/// Source: huggingface/transformers, `modeling_qwen2_5_vl.py`, `Qwen2_5_VLTextModel.forward`.
public struct Qwen25TextEncoder: Sendable {
  private let tokens: TokenEmbedding
  private let layers: [GatedLayer]
  private let finalNorm: Tensor
  private let heads: Int
  private let keyValueHeads: Int
  private let headChannels: Int
  private let epsilon: Float
  private let theta: Double
  private let maximumLength: Int

  /// Builds the encoder. The text model's values stand under `text_config` or, in older files, at
  /// the top of the configuration; its tensors under `model.`, `model.language_model.` or, as transformers 5 has them in
  /// memory, `language_model.`.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    let configuration =
      if let text = configuration.values["text_config"] {
        try ModelConfiguration(text, file: configuration.file)
      } else { configuration }
    let paths = ["model.language_model", "language_model.model", "language_model"]
    let weights = weights.module(
      paths.first { weights.has($0 + ".norm.weight") } ?? "model")
    guard try configuration.activation("hidden_act", default: "silu") == .silu else {
      throw .configuration(
        file: configuration.file, key: "hidden_act", expected: "silu", found: "another")
    }
    let channels = try configuration.integer("hidden_size")
    let inner = try configuration.integer("intermediate_size")
    heads = try configuration.integer("num_attention_heads", in: 1...1024)
    headChannels = try configuration.headChannels(width: channels, heads: heads)
    keyValueHeads = try configuration.integer("num_key_value_heads", in: 1...1024, default: heads)
    guard heads % keyValueHeads == 0, headChannels % 2 == 0 else {
      throw .configuration(
        file: configuration.file, key: "num_key_value_heads",
        expected:
          "a divisor of num_attention_heads \(heads), with an even number of channels a head",
        found: "\(keyValueHeads)")
    }
    epsilon = Float(try configuration.number("rms_norm_eps"))
    theta = try configuration.rotaryBase()
    guard try !configuration.bool("use_sliding_window", default: false) else {
      throw .configuration(
        file: configuration.file, key: "use_sliding_window", expected: "false",
        found: "true, which is not computed here")
    }
    maximumLength = try configuration.integer("max_position_embeddings", default: 128_000)
    tokens = try TokenEmbedding(
      weights, "embed_tokens.weight", count: configuration.integer("vocab_size"),
      channels: channels)
    let keyWidth = keyValueHeads * headChannels
    var layers: [GatedLayer] = []
    for index in 0..<(try configuration.integer("num_hidden_layers", in: 1...1000)) {
      let layer = weights.module("layers.\(index)")
      let attention = layer.module("self_attn")
      let mlp = layer.module("mlp")
      layers.append(
        GatedLayer(
          attentionNorm: try layer.floats("input_layernorm.weight", shape: [channels]),
          query: try attention.linear("q_proj", from: channels, to: channels),
          key: try attention.linear("k_proj", from: channels, to: keyWidth),
          value: try attention.linear("v_proj", from: channels, to: keyWidth),
          output: try attention.linear("o_proj", from: channels, to: channels, hasBias: false),
          mlpNorm: try layer.floats("post_attention_layernorm.weight", shape: [channels]),
          gate: try mlp.linear("gate_proj", from: channels, to: inner, hasBias: false),
          widen: try mlp.linear("up_proj", from: channels, to: inner, hasBias: false),
          narrow: try mlp.linear("down_proj", from: inner, to: channels, hasBias: false)))
    }
    self.layers = layers
    finalNorm = try weights.floats("norm.weight", shape: [channels])
  }

  /// The states after the last norm, `[ids.count, channels]`.
  public func callAsFunction(_ ids: [Int32]) throws(TextEncoderError) -> Tensor {
    try TextEncoderError.check(ids, encoder: "Qwen2.5-VL", vocabulary: tokens.count)
    guard ids.count <= maximumLength else {
      throw .tooLong(encoder: "Qwen2.5-VL", count: ids.count, limit: maximumLength)
    }
    let tape = Tape(ofTextEncoder: layers.map(\.linearLayers))
    let form = AttentionForm(
      heads: heads, keyValueHeads: keyValueHeads,
      scale: 1 / Float(headChannels).squareRoot(), isCausal: true)
    let positions = rotaryTable(ids.count)
    let x = layers.run(tape, Variable(constant: try tokens(ids))) { layer, x in
      layer(tape, x, form, activation: .silu, epsilon: epsilon) {
        tape.rotated($0, by: positions)
      }
    }
    return tape.rmsNorm(x, weight: finalNorm, epsilon: epsilon).tensor.onHost()
  }

  /// Angles of positions 0 up to `count`; frequencies in single precision, as the source has them.
  private func rotaryTable(_ count: Int) -> RotaryTable {
    let pairs = headChannels / 2
    var cosines = [Float](repeating: 0, count: count * pairs)
    var sines = cosines
    for pair in 0..<pairs {
      let frequency = 1 / powf(Float(theta), Float(2 * pair) / Float(headChannels))
      for position in 0..<count {
        let angle = Float(position) * frequency
        cosines[position * pairs + pair] = cosf(angle)
        sines[position * pairs + pair] = sinf(angle)
      }
    }
    return RotaryTable(
      cosines: Tensor(shape: [count, pairs], cosines), sines: Tensor(shape: [count, pairs], sines),
      pairing: .halves)
  }
}
