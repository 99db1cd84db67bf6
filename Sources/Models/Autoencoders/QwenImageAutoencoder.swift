internal import Compute
internal import JSON
public import ModelLoading
internal import Tensors

/// The autoencoder of Qwen-Image, AutoencoderKLQwenImage, for single pictures: causal 3D
/// convolutions of one frame.
///
/// Before the one frame lies only padding, so the last temporal tap of each kernel is all that
/// matters, and the `time_conv` layers, which join frames, are not used.
///
/// Every norm is local, so the high-resolution layers run in bands of rows, exactly and without
/// seams. Decoding keeps two maps at a quarter of the resolution alive, or one and a band: with
/// published widths, 0.5 GiB at 1024x1024, 0.6 GiB at 1664x928 and 1 GiB at 2048x2048.
///
/// Source: huggingface/diffusers, `autoencoder_kl_qwenimage.py`.
public struct QwenImageAutoencoder: Autoencoder {
  /// Its networks.
  public let coder: PictureCoder

  /// Builds the autoencoder from its configuration and tensors, in the diffusers layout.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    try self.init(configuration: configuration, weights: weights, bandPixels: 1 << 19)
  }

  /// The same, with bands of at most so many pixels.
  package init(
    configuration: ModelConfiguration, weights: WeightLoader, bandPixels: Int
  ) throws(ModelError) {
    let layers = Layers(try Widths(configuration), weights, bandPixels)
    let channels = layers.widths.latent
    let means = try Self.channelValues("latents_mean", channels, configuration)
    let deviations = try Self.channelValues("latents_std", channels, configuration)
    guard deviations.allSatisfy({ $0 >= .leastNormalMagnitude }) else {
      throw .configuration(
        file: configuration.file, key: "latents_std", expected: "positive numbers",
        found: "\(deviations)")
    }
    coder = PictureCoder(
      encoder: try layers.encoder(), decoder: try layers.decoder(),
      normalization: LatentNormalization(shift: means, scale: deviations.map { 1 / $0 }),
      cellSize: 1 << (layers.widths.blocks.count - 1), clampsPixels: true, weights: weights)
  }

  private static func channelValues(
    _ key: String, _ channels: Int, _ configuration: ModelConfiguration
  ) throws(ModelError) -> [Float] {
    let values = try configuration.numbers(key)
    guard values.count == channels else {
      throw .configuration(
        file: configuration.file, key: key, expected: "\(channels) numbers (z_dim)",
        found: "\(values.count)")
    }
    return values.map(Float.init)
  }
}

/// What the configuration says of the networks' shape.
private struct Widths {
  /// Channels at each resolution, finest first.
  let blocks: [Int]
  let blockLayers: Int
  let latent: Int

  init(_ configuration: ModelConfiguration) throws(ModelError) {
    let base = try configuration.integer("base_dim", in: 1...65536, default: 96)
    let multiples = try configuration.integers(
      "dim_mult", in: 1...1024, default: [1, 2, 4, 4])
    guard (1...8).contains(multiples.count) else {
      throw .configuration(
        file: configuration.file, key: "dim_mult", expected: "1 to 8 numbers",
        found: "\(multiples.count)")
    }
    blocks = multiples.map { base * $0 }
    blockLayers = try configuration.integer("num_res_blocks", in: 1...64, default: 2)
    latent = try configuration.integer("z_dim", in: 1...4096, default: 16)
    try configuration.require(
      "input_channels", configuration.integer("input_channels", default: 3), among: 3)
    let scales = configuration.values["attn_scales"] ?? .array([])
    try configuration.require("attn_scales", scales, among: .array([]))
  }
}

/// The layers under the names of the diffusers layout.
private struct Layers {
  let widths: Widths
  let weights: WeightLoader
  let bandPixels: Int

  init(_ widths: Widths, _ weights: WeightLoader, _ bandPixels: Int) {
    self.widths = widths
    self.weights = weights
    self.bandPixels = bandPixels
  }

  func encoder() throws(ModelError) -> PixelNetwork {
    let encoder = weights.module("encoder")
    var channels = widths.blocks[0]
    var layers = [try causal(encoder, "conv_in", from: 3, to: channels)]
    var index = 0
    for (level, width) in widths.blocks.enumerated() {
      for _ in 0..<widths.blockLayers {
        layers.append(
          try residual(encoder.module("down_blocks.\(index)"), from: channels, to: width))
        channels = width
        index += 1
      }
      if level < widths.blocks.count - 1 {
        layers.append(
          .convolution(
            try encoder.convolution(
              "down_blocks.\(index).resample.1", from: width, to: width, sampling: .halved)))
        index += 1
      }
    }
    layers += try middle(encoder.module("mid_block"), channels)
    layers.append(try head(encoder, from: channels, to: 2 * widths.latent))
    layers.append(
      try causal(weights, "quant_conv", from: 2 * widths.latent, to: 2 * widths.latent, size: 1))
    return PixelNetwork(layers, bandPixels: bandPixels)
  }

  func decoder() throws(ModelError) -> PixelNetwork {
    let decoder = weights.module("decoder")
    var channels = widths.blocks[widths.blocks.count - 1]
    var layers = [
      try causal(weights, "post_quant_conv", from: widths.latent, to: widths.latent, size: 1),
      try causal(decoder, "conv_in", from: widths.latent, to: channels),
    ]
    layers += try middle(decoder.module("mid_block"), channels)
    for (index, width) in widths.blocks.reversed().enumerated() {
      let block = decoder.module("up_blocks.\(index)")
      for layer in 0...widths.blockLayers {
        layers.append(
          try residual(block.module("resnets.\(layer)"), from: channels, to: width))
        channels = width
      }
      if index < widths.blocks.count - 1 {
        channels = width / 2
        layers.append(
          .convolution(
            try block.convolution(
              "upsamplers.0.resample.1", from: width, to: channels, sampling: .doubled)))
      }
    }
    layers.append(try head(decoder, from: channels, to: 3))
    return PixelNetwork(layers, bandPixels: bandPixels)
  }

  private func middle(_ block: WeightLoader, _ channels: Int) throws(ModelError) -> [PixelLayer] {
    [
      try residual(block.module("resnets.0"), from: channels, to: channels),
      .attention(try attention(block.module("attentions.0"), channels)),
      try residual(block.module("resnets.1"), from: channels, to: channels),
    ]
  }

  /// Query, key and value are the thirds of one 1x1 convolution's output.
  private func attention(
    _ block: WeightLoader, _ channels: Int
  ) throws(ModelError) -> PixelAttention {
    let weight = try block.stored("to_qkv.weight", shape: [3 * channels, channels, 1, 1])
    let bias = try block.floats("to_qkv.bias", shape: [3 * channels]).floats
    func third(_ index: Int) -> LinearLayer {
      let rows = index * channels..<(index + 1) * channels
      return LinearLayer(
        name: block.prefix + "to_qkv", weight: Weight(weight.rows(rows)),
        bias: Tensor(shape: [channels], Array(bias[rows])))
    }
    return PixelAttention(
      norm: try block.unitNorm("norm", channels: channels, trailingAxes: 2),
      query: third(0), key: third(1), value: third(2),
      projection: LinearLayer(
        name: block.prefix + "proj",
        weight: Weight(try block.stored("proj.weight", shape: [channels, channels, 1, 1])),
        bias: try block.floats("proj.bias", shape: [channels])))
  }

  private func residual(
    _ block: WeightLoader, from inChannels: Int, to outChannels: Int
  ) throws(ModelError) -> PixelLayer {
    .residual(
      ResidualBlock(
        norm1: try block.unitNorm("norm1", channels: inChannels, trailingAxes: 3),
        conv1: try block.convolution(
          "conv1", from: inChannels, to: outChannels, temporalTaps: 3),
        norm2: try block.unitNorm("norm2", channels: outChannels, trailingAxes: 3),
        conv2: try block.convolution(
          "conv2", from: outChannels, to: outChannels, temporalTaps: 3),
        shortcut: inChannels == outChannels
          ? nil
          : try block.convolution(
            "conv_shortcut", from: inChannels, to: outChannels, size: 1, temporalTaps: 1)))
  }

  private func head(
    _ network: WeightLoader, from inChannels: Int, to outChannels: Int
  ) throws(ModelError) -> PixelLayer {
    let norm = try network.unitNorm("norm_out", channels: inChannels, trailingAxes: 3)
    return .convolution(
      try network.convolution("conv_out", from: inChannels, to: outChannels, temporalTaps: 3),
      after: norm)
  }

  private func causal(
    _ module: WeightLoader, _ name: String, from inChannels: Int, to outChannels: Int, size: Int = 3
  ) throws(ModelError) -> PixelLayer {
    .convolution(
      try module.convolution(
        name, from: inChannels, to: outChannels, size: size, temporalTaps: size))
  }
}
