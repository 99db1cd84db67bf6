public import Compute
internal import JSON
public import ModelLoading
internal import Safetensors

/// The autoencoder of Qwen-Image, for single pictures: of its causal convolutions over time only
/// the last plane matters, since before the first frame there is nothing.
///
/// Beside the picture itself, memory holds three maps at most; at full resolution these have
/// `base_dim` channels. With the published width (96) decoding takes 1.2 KiB a pixel: 1.8 GB at
/// 1664x928, 4.8 GB at 2048x2048. Nothing is tiled, so nothing has seams.
///
/// Source: huggingface/diffusers, `autoencoder_kl_qwenimage.py`, `QwenImageEncoder3d`,
/// `QwenImageDecoder3d`.
public struct QwenImageAutoencoder: Autoencoder {
  /// Channels of a latent.
  public let latentChannels: Int
  private let encoder: Encoder
  private let decoder: Decoder
  private let quantise: Convolution
  private let unquantise: Convolution
  private let normalisation: LatentNormalisation

  /// Builds the autoencoder from its configuration and tensors.
  public init(configuration: ModelConfiguration, weights: WeightLoader) throws(ModelError) {
    let base = try configuration.integer("base_dim", in: 1...16384, default: 96)
    let factors = try configuration.integers("dim_mult", in: 1...256, default: [1, 2, 4, 4])
    guard factors.count == 4 else {
      throw .configuration(
        file: configuration.file, key: "dim_mult",
        expected: "four entries, which make a latent an eighth of the picture",
        found: "\(factors.count)")
    }
    guard try configuration.numbers("attn_scales", default: []).isEmpty else {
      throw .configuration(
        file: configuration.file, key: "attn_scales", expected: "an empty list",
        found: configuration.values["attn_scales"]?.text() ?? "")
    }
    let inChannels = try configuration.integer("input_channels", in: 1...64, default: 3)
    guard inChannels == 3 else {
      throw .unsupported(
        file: configuration.file,
        detail: "'input_channels' is \(inChannels), as in Qwen-Image-Layered; training and "
          + "sampling support pictures of 3 channels")
    }
    latentChannels = try configuration.integer("z_dim", in: 1...4096, default: 16)
    let channels = latentChannels
    let layers = try configuration.integer("num_res_blocks", in: 1...64, default: 2)
    let widths = factors.map { $0 * base }
    encoder = try Encoder(
      weights.module("encoder"), base: base, widths: widths, layers: layers,
      latentChannels: channels)
    decoder = try Decoder(
      weights.module("decoder"), widths: widths, layers: layers, latentChannels: channels)
    quantise = try weights.convolution(
      "quant_conv", from: 2 * channels, to: 2 * channels, side: 1, planes: 1)
    unquantise = try weights.convolution(
      "post_quant_conv", from: channels, to: channels, side: 1, planes: 1)
    let means = try configuration.numbers("latents_mean")
    let deviations = try configuration.numbers("latents_std")
    guard means.count == channels, deviations.count == channels,
      deviations.allSatisfy({ $0 > 0 })
    else {
      throw .configuration(
        file: configuration.file, key: "latents_std",
        expected: "\(channels) positive numbers, and as many in latents_mean",
        found: "\(deviations.count) and \(means.count)")
    }
    normalisation = LatentNormalisation(
      offsets: means.map { Float($0) }, factors: deviations.map { Float(1 / $0) })
  }

  /// Bytes that decoding a picture takes beside it, from the configuration alone.
  public static func decodingByteCount(
    configuration: ModelConfiguration, pixels: Int
  ) throws(ModelError) -> Int {
    12 * pixels * (try configuration.integer("base_dim", in: 1...16384, default: 96))
  }

  /// The latent distribution of a picture; see ``Autoencoder``.
  public func encode(_ pixels: Tensor) -> LatentDistribution {
    LatentDistribution(
      quantise(encoder(FeatureMap(channelsFirst: pixels))), normalisation: normalisation)
  }

  /// The picture of a latent, clamped to [-1, 1]; see ``Autoencoder``.
  public func decode(_ latent: Tensor) -> Tensor {
    let map = unquantise(FeatureMap(channelsFirst: normalisation.restore(latent)))
    var pixels = decoder(map).channelsFirst(0..<3)
    for i in pixels.elements.indices {
      pixels.elements[i] = min(max(pixels.elements[i], -1), 1)
    }
    return pixels
  }
}

/// Picture to moments. Residual blocks and halvings stand in one list of `down_blocks`.
private struct Encoder: Sendable {
  private let input: Convolution
  private let stages: [(blocks: [ResidualBlock], halving: Convolution?)]
  private let middle: MiddleBlock
  private let outputNorm: Tensor
  private let output: Convolution

  init(
    _ loader: WeightLoader, base: Int, widths: [Int], layers: Int, latentChannels: Int
  ) throws(ModelError) {
    input = try loader.convolution("conv_in", from: 3, to: base, planes: 3)
    var stages: [(blocks: [ResidualBlock], halving: Convolution?)] = []
    var width = base
    var place = 0
    for (index, next) in widths.enumerated() {
      var blocks: [ResidualBlock] = []
      for _ in 0..<layers {
        blocks.append(
          try ResidualBlock(loader.module("down_blocks.\(place)"), from: width, to: next))
        width = next
        place += 1
      }
      var halving: Convolution?
      if index + 1 < widths.count {
        halving = try loader.convolution(
          "down_blocks.\(place).resample.1", from: next, to: next, movement: .halving)
        place += 1
      }
      stages.append((blocks, halving))
    }
    self.stages = stages
    middle = try MiddleBlock(loader.module("mid_block"), width: width)
    outputNorm = try loader.gamma("norm_out", channels: width, axes: 3)
    output = try loader.convolution("conv_out", from: width, to: 2 * latentChannels, planes: 3)
  }

  func callAsFunction(_ picture: FeatureMap) -> FeatureMap {
    var map = input(picture)
    for stage in stages {
      for block in stage.blocks { map = block(map) }
      if let halving = stage.halving { map = halving(map) }
    }
    return output(middle(map), after: .rootMeanSquareSiLU(gamma: outputNorm))
  }
}

/// Latent to picture. Doublings halve the channels.
private struct Decoder: Sendable {
  private let input: Convolution
  private let middle: MiddleBlock
  private let stages: [(blocks: [ResidualBlock], doubling: Convolution?)]
  private let outputNorm: Tensor
  private let output: Convolution

  init(
    _ loader: WeightLoader, widths: [Int], layers: Int, latentChannels: Int
  ) throws(ModelError) {
    var width = widths[widths.count - 1]
    input = try loader.convolution("conv_in", from: latentChannels, to: width, planes: 3)
    middle = try MiddleBlock(loader.module("mid_block"), width: width)
    var stages: [(blocks: [ResidualBlock], doubling: Convolution?)] = []
    for (index, next) in widths.reversed().enumerated() {
      let stage = loader.module("up_blocks.\(index)")
      var blocks: [ResidualBlock] = []
      for layer in 0..<layers + 1 {
        blocks.append(
          try ResidualBlock(stage.module("resnets.\(layer)"), from: width, to: next))
        width = next
      }
      var doubling: Convolution?
      if index + 1 < widths.count {
        doubling = try stage.convolution(
          "upsamplers.0.resample.1", from: next, to: next / 2, movement: .doubling)
        width = next / 2
      }
      stages.append((blocks, doubling))
    }
    self.stages = stages
    outputNorm = try loader.gamma("norm_out", channels: width, axes: 3)
    output = try loader.convolution("conv_out", from: width, to: 3, planes: 3)
  }

  func callAsFunction(_ latent: FeatureMap) -> FeatureMap {
    var map = middle(input(latent))
    for stage in stages {
      for block in stage.blocks { map = block(map) }
      if let doubling = stage.doubling { map = doubling(map) }
    }
    return output(map, after: .rootMeanSquareSiLU(gamma: outputNorm))
  }
}

/// Norm, SiLU, convolution, twice, beside a shortcut.
///
/// Source: huggingface/diffusers, `autoencoder_kl_qwenimage.py`, `QwenImageResidualBlock`.
private struct ResidualBlock: Sendable {
  private let norm1: Tensor
  private let convolution1: Convolution
  private let norm2: Tensor
  private let convolution2: Convolution
  private let shortcut: Convolution?

  init(_ loader: WeightLoader, from width: Int, to next: Int) throws(ModelError) {
    norm1 = try loader.gamma("norm1", channels: width, axes: 3)
    convolution1 = try loader.convolution("conv1", from: width, to: next, planes: 3)
    norm2 = try loader.gamma("norm2", channels: next, axes: 3)
    convolution2 = try loader.convolution("conv2", from: next, to: next, planes: 3)
    shortcut =
      width == next
      ? nil
      : try loader.convolution("conv_shortcut", from: width, to: next, side: 1, planes: 1)
  }

  func callAsFunction(_ map: FeatureMap) -> FeatureMap {
    let hidden = convolution1(map, after: .rootMeanSquareSiLU(gamma: norm1))
    return convolution2(
      hidden, after: .rootMeanSquareSiLU(gamma: norm2), addedTo: shortcut?(map) ?? map)
  }
}

/// The block of lowest resolution: residual, attention over all pixels, residual.
private struct MiddleBlock: Sendable {
  private let first: ResidualBlock
  private let attention: PixelAttention
  private let second: ResidualBlock

  init(_ loader: WeightLoader, width: Int) throws(ModelError) {
    first = try ResidualBlock(loader.module("resnets.0"), from: width, to: width)
    attention = try PixelAttention(loader.module("attentions.0"), width: width)
    second = try ResidualBlock(loader.module("resnets.1"), from: width, to: width)
  }

  func callAsFunction(_ map: FeatureMap) -> FeatureMap { second(attention(first(map))) }
}

/// One head of attention over all pixels, added to them; queries, keys and values come from one
/// convolution of a single tap.
///
/// Source: huggingface/diffusers, `autoencoder_kl_qwenimage.py`, `QwenImageAttentionBlock`.
private struct PixelAttention: Sendable {
  private let norm: Tensor
  private let projections: [LinearLayer]
  private let output: LinearLayer

  init(_ loader: WeightLoader, width: Int) throws(ModelError) {
    norm = try loader.gamma("norm", channels: width, axes: 2)
    let weight = try loader.tensor("to_qkv.weight", shape: [3 * width, width, 1, 1])
    let bias = try loader.floats("to_qkv.bias", shape: [3 * width])
    projections = (0..<3).map { part in
      let rows = part * width..<(part + 1) * width
      return LinearLayer(
        name: loader.prefix + "to_qkv.\(part)", weight: Weight(weight.rows(rows)),
        bias: Tensor(shape: [width], Array(bias.elements[rows])))
    }
    output = LinearLayer(
      name: loader.prefix + "proj",
      weight: Weight(try loader.tensor("proj.weight", shape: [width, width, 1, 1])),
      bias: try loader.floats("proj.bias", shape: [width]))
  }

  func callAsFunction(_ map: FeatureMap) -> FeatureMap {
    let tape = Tape(mode: .inference)
    let x = tape.rmsNorm(Variable(constant: map.values), weight: norm, epsilon: 1e-24)
    let form = AttentionForm(heads: 1, scale: 1 / Float(map.channels).squareRoot())
    let attended = tape.attention(
      tape.linear(x, projections[0]), tape.linear(x, projections[1]),
      tape.linear(x, projections[2]), form)
    var result = map
    result.values.add(tape.linear(attended, output).tensor)
    return result
  }
}

extension WeightLoader {
  /// The scale of a norm, `name.gamma` `[channels, 1 …]`, as `[channels]`.
  fileprivate func gamma(_ name: String, channels: Int, axes: Int) throws(ModelError) -> Tensor {
    let shape = [channels] + Array(repeating: 1, count: axes)
    return try floats(name + ".gamma", shape: shape).reshaped([channels])
  }
}
