public import Compute
public import ModelLoading

/// The transformer of FLUX.1: double blocks, then single blocks.
///
/// Source: huggingface/diffusers, `transformer_flux.py`, `FluxTransformer2DModel.forward`.
public struct FluxTransformer: DiffusionTransformer {
  /// Channels of a packed image token.
  public let tokenChannels: Int
  /// Channels of the text states.
  public let textChannels: Int
  /// Channels of CLIP's pooled state.
  public let pooledChannels: Int?
  /// Whether the model takes a guidance value.
  public var takesGuidance: Bool { guidanceEmbedding != nil }

  private let imageInput: LinearLayer
  private let textInput: LinearLayer
  private let timeEmbedding: ScalarEmbedding
  private let guidanceEmbedding: ScalarEmbedding?
  private let pooledInput: LinearLayer
  private let pooledMix: LinearLayer
  private let doubleBlocks: [DoubleBlock]
  private let singleBlocks: [SingleBlock]
  private let output: OutputLayer
  private let rotary: RotaryPositions

  /// Builds the model from its configuration and tensors, in the diffusers layout.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    let (size, axes) = try configuration.blocks()
    let patch = try configuration.integer("patch_size", default: 1)
    guard patch == 1 else {
      throw .configuration(
        file: configuration.file, key: "patch_size", expected: "1", found: "\(patch)")
    }
    tokenChannels = try configuration.integer("in_channels", in: 4...65536)
    textChannels = try configuration.integer("joint_attention_dim")
    let pooledChannels = try configuration.integer("pooled_projection_dim")
    self.pooledChannels = pooledChannels
    try configuration.requireTokenChannels(
      tokenChannels, out: configuration.integer("out_channels", default: tokenChannels))
    let width = size.width

    let embedder = weights.module("time_text_embed")
    imageInput = try weights.linear("x_embedder", from: tokenChannels, to: width)
    textInput = try weights.linear("context_embedder", from: textChannels, to: width)
    timeEmbedding = try ScalarEmbedding(embedder.module("timestep_embedder"), width: width)
    guidanceEmbedding =
      try configuration.bool("guidance_embeds", default: false)
      ? ScalarEmbedding(embedder.module("guidance_embedder"), width: width) : nil
    let pooled = embedder.module("text_embedder")
    pooledInput = try pooled.linear("linear_1", from: pooledChannels, to: width)
    pooledMix = try pooled.linear("linear_2", from: width, to: width)

    doubleBlocks = try DoubleBlock.all(
      weights, count: configuration.integer("num_layers", in: 0...1000), image: Self.imageNames,
      text: Self.textNames, size: size)
    var singleBlocks: [SingleBlock] = []
    for index in 0..<(try configuration.integer("num_single_layers", in: 0...1000)) {
      singleBlocks.append(
        try SingleBlock(weights, name: "single_transformer_blocks.\(index)", size: size))
    }
    self.singleBlocks = singleBlocks
    output = try OutputLayer(weights, width: width, outChannels: tokenChannels)
    rotary = RotaryPositions(axes: axes)
  }

  private static let imageNames = DoubleBlock.StreamNames(
    modulation: "norm1.linear", projections: .image, output: "to_out.0", mlp: "ff")
  private static let textNames = DoubleBlock.StreamNames(
    modulation: "norm1_context.linear", projections: .text, output: "to_add_out",
    mlp: "ff_context")

  /// Every frozen linear layer, in the model's order.
  public var linearLayers: [LinearLayer] {
    [imageInput, textInput] + conditioningLayers + doubleBlocks.flatMap(\.layers)
      + singleBlocks.flatMap(\.layers) + output.layers
  }
  /// The same, by what they act on.
  public var passLayers: PassLayers {
    PassLayers(
      blocks: doubleBlocks.map(\.tokenLayers) + singleBlocks.map(\.tokenLayers),
      aroundBlocks: [imageInput, textInput] + output.tokenLayers,
      ofVectors: conditioningLayers + doubleBlocks.flatMap(\.vectorLayers)
        + singleBlocks.flatMap(\.vectorLayers) + output.vectorLayers)
  }

  /// The packed velocity; see ``DiffusionTransformer``.
  public func velocity(
    _ tape: Tape, latent: Tensor, grid: TokenGrid, conditioning: Conditioning, sigma: Float,
    guidance: Float?, options: ForwardOptions
  ) -> Variable {
    precondition(latent.shape == [grid.count, tokenChannels], "latent must be packed tokens")
    var image = tape.linear(Variable(constant: latent), imageInput)
    var text = tape.linear(Variable(constant: conditioning.text), textInput)
    let vector = conditioningVector(tape, conditioning, sigma: sigma, guidance: guidance)
    options.observe?(HiddenState(name: "x_embedder", text: nil, image: image.tensor))
    options.observe?(HiddenState(name: "context_embedder", text: nil, image: text.tensor))
    options.observe?(HiddenState(name: "temb", text: nil, image: vector.tensor))
    let modulator = Modulator(
      conditioning: tape.activated(vector, .silu),
      entry: tape.adapts(conditioningLayers)
        ? nil
        : options.modulations?.entry(
          .init(sigma: sigma, guidance: guidance, pooled: conditioning.pooled)))
    let positions = positions(textTokens: text.tensor.rows, grid: grid)

    let all =
      modulator.makesVectors
      ? doubleBlocks.map(\.layers) + singleBlocks.map(\.layers)
      : doubleBlocks.map(\.tokenLayers) + singleBlocks.map(\.tokenLayers)
    (text, image) = doubleBlocks.run(
      tape, text: text, image: image, modulator: modulator, positions: positions,
      needsText: !singleBlocks.isEmpty, all: all, options: options)
    guard !singleBlocks.isEmpty else {
      return output(tape, image, modulator: modulator, options: options)
    }
    let textCount = text.tensor.rows
    var tokens = tape.concatenatedRows(text, image)
    for (index, block) in singleBlocks.enumerated() {
      // Of the last block only image tokens are wanted.
      let first = index < singleBlocks.count - 1 || options.observe != nil ? 0 : textCount
      tokens =
        tape.block(doubleBlocks.count + index, of: all, [tokens], modulator, options) {
          tape, streams, modulator in
          [block(tape, streams[0], modulator: modulator, positions: positions, from: first)]
        }[0]
      options.observe?(
        HiddenState(
          name: block.name, text: tokens.tensor.rows(0..<textCount),
          image: tokens.tensor.rows(textCount..<textCount + grid.count)))
    }
    let rows = tokens.tensor.rows
    let result = rows == grid.count ? tokens : tape.rows(rows - grid.count..<rows, of: tokens)
    return output(tape, result, modulator: modulator, options: options)
  }

  /// The layers that the conditioning vector comes from.
  private var conditioningLayers: [LinearLayer] {
    timeEmbedding.layers + (guidanceEmbedding?.layers ?? []) + [pooledInput, pooledMix]
  }

  /// Time, guidance and pooled text, summed: `[1, width]`.
  private func conditioningVector(
    _ tape: Tape, _ conditioning: Conditioning, sigma: Float, guidance: Float?
  ) -> Variable {
    var vector = timeEmbedding(tape, sigma)
    if let guidanceEmbedding {
      vector = tape.sum(vector, guidanceEmbedding(tape, guidance ?? 1))
    }
    guard let pooled = conditioning.pooled else {
      preconditionFailure("conditioning without the pooled vector was not checked")
    }
    let hidden = tape.activated(
      tape.linear(Variable(constant: pooled), pooledInput), .silu)
    return tape.sum(vector, tape.linear(hidden, pooledMix))
  }

  /// Text tokens are all at (0, 0, 0), so that they are not turned; image tokens at (0, row,
  /// column).
  func positions(textTokens: Int, grid: TokenGrid) -> RotaryTable {
    let image = (0..<grid.rows).flatMap { row in (0..<grid.columns).map { [0, row, $0] } }
    return rotary.table(Array(repeating: [0, 0, 0], count: textTokens) + image)
  }
}
