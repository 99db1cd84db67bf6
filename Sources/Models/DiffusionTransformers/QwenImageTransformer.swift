public import Compute
public import ModelLoading

/// The transformer of Qwen-Image: double blocks only.
///
/// Source: huggingface/diffusers, `transformer_qwenimage.py`, `QwenImageTransformer2DModel.forward`
/// and `QwenEmbedRope`.
public struct QwenImageTransformer: DiffusionTransformer {
  /// Channels of a packed image token.
  public let tokenChannels: Int
  /// Channels of the text states.
  public let textChannels: Int
  /// The model takes no pooled state.
  public var pooledChannels: Int? { nil }
  /// Whether the model takes a guidance value.
  public var takesGuidance: Bool { false }

  private let imageInput: LinearLayer
  private let textNorm: Tensor
  private let textInput: LinearLayer
  private let timeEmbedding: ScalarEmbedding
  private let blocks: [DoubleBlock]
  private let output: OutputLayer
  private let rotary: RotaryPositions

  /// Builds the model from its configuration and tensors. Edit and layered variants, whose
  /// forward pass differs, are refused by name.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    try Self.refuseVariants(configuration)
    let (size, axes) = try configuration.blocks()
    let patch = try configuration.integer("patch_size", in: 1...64, default: 2)
    tokenChannels = try configuration.integer("in_channels", in: 4...65536)
    textChannels = try configuration.integer("joint_attention_dim")
    try configuration.requireTokenChannels(
      tokenChannels,
      out: configuration.integer("out_channels", default: tokenChannels / (patch * patch))
        * patch * patch)
    let width = size.width

    imageInput = try weights.linear("img_in", from: tokenChannels, to: width)
    textNorm = try weights.floats("txt_norm.weight", shape: [textChannels])
    textInput = try weights.linear("txt_in", from: textChannels, to: width)
    timeEmbedding = try ScalarEmbedding(
      weights.module("time_text_embed").module("timestep_embedder"), width: width)
    blocks = try DoubleBlock.all(
      weights, count: configuration.integer("num_layers", in: 0...1000), image: Self.imageNames,
      text: Self.textNames, size: size)
    output = try OutputLayer(weights, width: width, outChannels: tokenChannels)
    rotary = RotaryPositions(axes: axes)
  }

  private static let imageNames = DoubleBlock.StreamNames(
    modulation: "img_mod.1", projections: .image, output: "to_out.0", mlp: "img_mlp")
  private static let textNames = DoubleBlock.StreamNames(
    modulation: "txt_mod.1", projections: .text, output: "to_add_out", mlp: "txt_mlp")

  private static func refuseVariants(_ configuration: ModelConfiguration) throws(ModelError) {
    for (key, variant) in [
      ("zero_cond_t", "Qwen-Image-Edit-2511"),
      ("use_additional_t_cond", "Qwen-Image-Layered"),
      ("use_layer3d_rope", "Qwen-Image-Layered"),
    ] where try configuration.bool(key, default: false) {
      throw .unsupported(
        file: configuration.file,
        detail: "'\(key)' is set, as in \(variant); training and sampling support text to image "
          + "with Qwen-Image and Qwen-Image-2512, other variants can be inspected, converted "
          + "and merged")
    }
  }

  /// Every frozen linear layer, in the model's order.
  public var linearLayers: [LinearLayer] {
    [imageInput, textInput] + timeEmbedding.layers + blocks.flatMap(\.layers) + output.layers
  }
  /// The same, by what they act on.
  public var passLayers: PassLayers {
    PassLayers(
      blocks: blocks.map(\.tokenLayers),
      aroundBlocks: [imageInput, textInput] + output.tokenLayers,
      ofVectors: timeEmbedding.layers + blocks.flatMap(\.vectorLayers) + output.vectorLayers)
  }

  /// The packed velocity; see ``DiffusionTransformer``.
  public func velocity(
    _ tape: Tape, latent: Tensor, grid: TokenGrid, conditioning: Conditioning, sigma: Float,
    guidance: Float?, options: ForwardOptions
  ) -> Variable {
    precondition(latent.shape == [grid.count, tokenChannels], "latent must be packed tokens")
    var image = tape.linear(Variable(constant: latent), imageInput)
    let normed = tape.rmsNorm(
      Variable(constant: conditioning.text), weight: textNorm, epsilon: 1e-6)
    var text = tape.linear(normed, textInput)
    let vector = timeEmbedding(tape, sigma)
    options.observe?(HiddenState(name: "img_in", text: nil, image: image.tensor))
    options.observe?(HiddenState(name: "txt_in", text: nil, image: text.tensor))
    options.observe?(HiddenState(name: "temb", text: nil, image: vector.tensor))
    let modulator = Modulator(
      conditioning: tape.activated(vector, .silu),
      entry: tape.adapts(timeEmbedding.layers)
        ? nil : options.modulations?.entry(.init(sigma: sigma, guidance: nil, pooled: nil)))
    let positions = positions(textTokens: text.tensor.rows, grid: grid)

    (text, image) = blocks.run(
      tape, text: text, image: image, modulator: modulator, positions: positions,
      needsText: false,
      all: blocks.map(modulator.makesVectors ? \.layers : \.tokenLayers), options: options)
    return output(tape, image, modulator: modulator, options: options)
  }

  /// Image tokens are centred: n rows are at -(n - n/2) to n/2 - 1, columns likewise. Text tokens
  /// follow on all three axes, from the larger of half the rows and half the columns on.
  func positions(textTokens: Int, grid: TokenGrid) -> RotaryTable {
    func centred(_ index: Int, of count: Int) -> Int { index - (count - count / 2) }
    let first = max(grid.rows / 2, grid.columns / 2)
    let text = (0..<textTokens).map { Array(repeating: first + $0, count: 3) }
    let image = (0..<grid.rows).flatMap { row in
      (0..<grid.columns).map { column in
        [0, centred(row, of: grid.rows), centred(column, of: grid.columns)]
      }
    }
    return rotary.table(text + image)
  }
}
