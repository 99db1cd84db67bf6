public import Compute
public import ModelLoading

/// The autoencoder of FLUX.1: AutoencoderKL with 16 latent channels.
///
/// Beside the picture itself, memory holds three maps at most: at full resolution these have the
/// channels of the first and second entry of `block_out_channels`. With the published widths (128
/// and 256) decoding takes 2 KiB a pixel: 2.1 GB at 1024x1024, 8.6 GB at 2048x2048.
///
/// Source: huggingface/diffusers, `autoencoder_kl.py`, `AutoencoderKL`; `vae.py`, `Encoder`,
/// `Decoder`.
public struct FluxAutoencoder: Autoencoder {
  /// Channels of a latent.
  public let latentChannels: Int
  private let encoder: Encoder
  private let decoder: Decoder
  private let quantise: Convolution?
  private let unquantise: Convolution?
  private let normalisation: LatentNormalisation

  /// Builds the autoencoder from its configuration and tensors.
  public init(configuration: ModelConfiguration, weights: WeightLoader) throws(ModelError) {
    let widths = try configuration.integers("block_out_channels", in: 1...65536)
    let groups = try configuration.integer("norm_num_groups", in: 1...65536, default: 32)
    guard let first = widths.first, widths.allSatisfy({ $0 % groups == 0 }), first > 0 else {
      throw .configuration(
        file: configuration.file, key: "block_out_channels",
        expected: "multiples of norm_num_groups \(groups)", found: "\(widths)")
    }
    guard widths.count == 4 else {
      throw .configuration(
        file: configuration.file, key: "block_out_channels",
        expected: "four entries, which make a latent an eighth of the picture",
        found: "\(widths.count)")
    }
    let activation = try configuration.string("act_fn", default: "silu")
    guard activation == "silu" || activation == "swish" else {
      throw .configuration(
        file: configuration.file, key: "act_fn", expected: "silu", found: "'\(activation)'")
    }
    latentChannels = try configuration.integer("latent_channels", in: 1...4096, default: 4)
    let layers = try configuration.integer("layers_per_block", in: 1...64, default: 1)
    let hasAttention = try configuration.bool("mid_block_add_attention", default: true)
    let channels = latentChannels
    encoder = try Encoder(
      weights.module("encoder"), widths: widths, layers: layers, groups: groups,
      latentChannels: channels, hasAttention: hasAttention)
    decoder = try Decoder(
      weights.module("decoder"), widths: widths, layers: layers, groups: groups,
      latentChannels: channels, hasAttention: hasAttention)
    quantise =
      try configuration.bool("use_quant_conv", default: true)
      ? weights.convolution("quant_conv", from: 2 * channels, to: 2 * channels, side: 1) : nil
    unquantise =
      try configuration.bool("use_post_quant_conv", default: true)
      ? weights.convolution("post_quant_conv", from: channels, to: channels, side: 1) : nil
    let factor = Float(try configuration.number("scaling_factor", default: 0.18215))
    let offset = Float(try configuration.number("shift_factor", default: 0))
    guard factor != 0 else {
      throw .configuration(
        file: configuration.file, key: "scaling_factor", expected: "a number but 0", found: "0")
    }
    normalisation = LatentNormalisation(
      offsets: Array(repeating: offset, count: channels),
      factors: Array(repeating: factor, count: channels))
  }

  /// Bytes that decoding a picture takes beside it, from the configuration alone.
  public static func decodingByteCount(
    configuration: ModelConfiguration, pixels: Int
  ) throws(ModelError) -> Int {
    let widths = try configuration.integers("block_out_channels", in: 1...65536)
    return 4 * pixels * (2 * (widths.first ?? 0) + (widths.dropFirst().first ?? 0))
  }

  /// The latent distribution of a picture; see ``Autoencoder``.
  public func encode(_ pixels: Tensor) -> LatentDistribution {
    let moments = encoder(FeatureMap(channelsFirst: pixels))
    return LatentDistribution(quantise?(moments) ?? moments, normalisation: normalisation)
  }

  /// The picture of a latent, not clamped; see ``Autoencoder``.
  public func decode(_ latent: Tensor) -> Tensor {
    let map = FeatureMap(channelsFirst: normalisation.restore(latent))
    return decoder(unquantise?(map) ?? map).channelsFirst(0..<3)
  }
}

/// Picture to moments.
private struct Encoder: Sendable {
  private let input: Convolution
  private let stages: [(blocks: [ResidualBlock], halving: Convolution?)]
  private let middle: MiddleBlock
  private let outputNorm: GroupNorm
  private let output: Convolution

  init(
    _ loader: WeightLoader, widths: [Int], layers: Int, groups: Int, latentChannels: Int,
    hasAttention: Bool
  ) throws(ModelError) {
    input = try loader.convolution("conv_in", from: 3, to: widths[0])
    var stages: [(blocks: [ResidualBlock], halving: Convolution?)] = []
    var width = widths[0]
    for (index, next) in widths.enumerated() {
      let stage = loader.module("down_blocks.\(index)")
      var blocks: [ResidualBlock] = []
      for layer in 0..<layers {
        blocks.append(
          try ResidualBlock(
            stage.module("resnets.\(layer)"), from: width, to: next, groups: groups))
        width = next
      }
      let halving =
        index + 1 < widths.count
        ? try stage.convolution("downsamplers.0.conv", from: next, to: next, movement: .halving)
        : nil
      stages.append((blocks, halving))
    }
    self.stages = stages
    middle = try MiddleBlock(
      loader.module("mid_block"), width: width, groups: groups, hasAttention: hasAttention)
    outputNorm = try GroupNorm(loader, "conv_norm_out", channels: width, groups: groups)
    output = try loader.convolution("conv_out", from: width, to: 2 * latentChannels)
  }

  func callAsFunction(_ picture: FeatureMap) -> FeatureMap {
    var map = input(picture)
    for stage in stages {
      for block in stage.blocks { map = block(map) }
      if let halving = stage.halving { map = halving(map) }
    }
    map = middle(map)
    return output(map, after: outputNorm.beforeSiLU(map))
  }
}

/// Latent to picture.
private struct Decoder: Sendable {
  private let input: Convolution
  private let middle: MiddleBlock
  private let stages: [(blocks: [ResidualBlock], doubling: Convolution?)]
  private let outputNorm: GroupNorm
  private let output: Convolution

  init(
    _ loader: WeightLoader, widths: [Int], layers: Int, groups: Int, latentChannels: Int,
    hasAttention: Bool
  ) throws(ModelError) {
    var width = widths[widths.count - 1]
    input = try loader.convolution("conv_in", from: latentChannels, to: width)
    middle = try MiddleBlock(
      loader.module("mid_block"), width: width, groups: groups, hasAttention: hasAttention)
    var stages: [(blocks: [ResidualBlock], doubling: Convolution?)] = []
    for (index, next) in widths.reversed().enumerated() {
      let stage = loader.module("up_blocks.\(index)")
      var blocks: [ResidualBlock] = []
      for layer in 0..<layers + 1 {
        blocks.append(
          try ResidualBlock(
            stage.module("resnets.\(layer)"), from: width, to: next, groups: groups))
        width = next
      }
      let doubling =
        index + 1 < widths.count
        ? try stage.convolution("upsamplers.0.conv", from: next, to: next, movement: .doubling)
        : nil
      stages.append((blocks, doubling))
    }
    self.stages = stages
    outputNorm = try GroupNorm(loader, "conv_norm_out", channels: width, groups: groups)
    output = try loader.convolution("conv_out", from: width, to: 3)
  }

  func callAsFunction(_ latent: FeatureMap) -> FeatureMap {
    var map = middle(input(latent))
    for stage in stages {
      for block in stage.blocks { map = block(map) }
      if let doubling = stage.doubling { map = doubling(map) }
    }
    return output(map, after: outputNorm.beforeSiLU(map))
  }
}

/// A group norm with its weight and bias.
private struct GroupNorm: Sendable {
  private let weight: Tensor
  private let bias: Tensor
  private let groups: Int

  init(_ loader: WeightLoader, _ name: String, channels: Int, groups: Int) throws(ModelError) {
    weight = try loader.floats(name + ".weight", shape: [channels])
    bias = try loader.floats(name + ".bias", shape: [channels])
    self.groups = groups
  }

  func callAsFunction(_ map: FeatureMap) -> (scale: Tensor, shift: Tensor) {
    map.groupNorm(groups: groups, weight: weight, bias: bias, epsilon: 1e-6)
  }

  func beforeSiLU(_ map: FeatureMap) -> Convolution.Preparation {
    let (scale, shift) = self(map)
    return .affineSiLU(scale: scale, shift: shift)
  }
}

/// Norm, SiLU, convolution, twice, beside a shortcut.
///
/// Source: huggingface/diffusers, `resnet.py`, `ResnetBlock2D.forward`, without time embedding.
private struct ResidualBlock: Sendable {
  private let norm1: GroupNorm
  private let convolution1: Convolution
  private let norm2: GroupNorm
  private let convolution2: Convolution
  private let shortcut: Convolution?

  init(_ loader: WeightLoader, from width: Int, to next: Int, groups: Int) throws(ModelError) {
    norm1 = try GroupNorm(loader, "norm1", channels: width, groups: groups)
    convolution1 = try loader.convolution("conv1", from: width, to: next)
    norm2 = try GroupNorm(loader, "norm2", channels: next, groups: groups)
    convolution2 = try loader.convolution("conv2", from: next, to: next)
    shortcut =
      width == next ? nil : try loader.convolution("conv_shortcut", from: width, to: next, side: 1)
  }

  func callAsFunction(_ map: FeatureMap) -> FeatureMap {
    let hidden = convolution1(map, after: norm1.beforeSiLU(map))
    return convolution2(
      hidden, after: norm2.beforeSiLU(hidden), addedTo: shortcut?(map) ?? map)
  }
}

/// The block of lowest resolution: residual, attention over all pixels, residual.
private struct MiddleBlock: Sendable {
  private let first: ResidualBlock
  private let attention: PixelAttention?
  private let second: ResidualBlock

  init(
    _ loader: WeightLoader, width: Int, groups: Int, hasAttention: Bool
  ) throws(ModelError) {
    first = try ResidualBlock(
      loader.module("resnets.0"), from: width, to: width, groups: groups)
    second = try ResidualBlock(
      loader.module("resnets.1"), from: width, to: width, groups: groups)
    guard hasAttention else {
      attention = nil
      return
    }
    attention = try PixelAttention(
      loader.module("attentions.0"), width: width, groups: groups)
  }

  func callAsFunction(_ map: FeatureMap) -> FeatureMap {
    let map = first(map)
    return second(attention?(map) ?? map)
  }
}

/// One head of attention over all pixels, added to them.
///
/// Source: huggingface/diffusers, `attention_processor.py`, `AttnProcessor.__call__` with
/// `residual_connection=True`.
private struct PixelAttention: Sendable {
  private let norm: GroupNorm
  private let query: LinearLayer
  private let key: LinearLayer
  private let value: LinearLayer
  private let output: LinearLayer

  init(_ loader: WeightLoader, width: Int, groups: Int) throws(ModelError) {
    norm = try GroupNorm(loader, "group_norm", channels: width, groups: groups)
    query = try loader.linear("to_q", from: width, to: width)
    key = try loader.linear("to_k", from: width, to: width)
    value = try loader.linear("to_v", from: width, to: width)
    output = try loader.linear("to_out.0", from: width, to: width)
  }

  func callAsFunction(_ map: FeatureMap) -> FeatureMap {
    let (scale, shift) = norm(map)
    let tape = Tape(mode: .inference)
    let x = Variable(constant: map.scaled(by: scale, shift: shift).values)
    let form = AttentionForm(heads: 1, scale: 1 / Float(map.channels).squareRoot())
    let attended = tape.attention(
      tape.linear(x, query), tape.linear(x, key), tape.linear(x, value), form)
    var result = map
    result.values.add(tape.linear(attended, output).tensor)
    return result
  }
}
