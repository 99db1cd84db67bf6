internal import Compute
internal import JSON
public import ModelLoading

/// The autoencoder of FLUX.1, AutoencoderKL: 2D convolutions and group norms.
///
/// Group norms depend on the whole picture, so maps are whole too. Decoding keeps at most the last
/// upsampling's output and one map of the last block alive: with published widths, 1.5 GiB at
/// 1024x1024 and 6 GiB at 2048x2048; encoding 1 GiB and 4 GiB.
///
/// Source: huggingface/diffusers, `autoencoder_kl.py`, `vae.py` (`Encoder`, `Decoder`) and
/// `unet_2d_blocks.py` (`DownEncoderBlock2D`, `UNetMidBlock2D`, `UpDecoderBlock2D`).
public struct FluxAutoencoder: Autoencoder {
  /// Its networks.
  public let coder: PictureCoder

  /// Builds the autoencoder from its configuration and tensors, in the diffusers layout.
  public init(
    configuration: ModelConfiguration, weights: WeightLoader
  ) throws(ModelError) {
    let names = Layers(try Widths(configuration), weights)
    let scaling = Float(try configuration.number("scaling_factor", default: 0.18215))
    guard scaling.isNormal else {
      throw .configuration(
        file: configuration.file, key: "scaling_factor", expected: "a number other than 0",
        found: "\(scaling)")
    }
    let channels = names.widths.latent
    let shift = Float(try configuration.number("shift_factor", default: 0))
    coder = PictureCoder(
      encoder: try names.encoder(
        hasQuantization: configuration.bool("use_quant_conv", default: true)),
      decoder: try names.decoder(
        hasQuantization: configuration.bool("use_post_quant_conv", default: true)),
      normalization: LatentNormalization(
        shift: Array(repeating: shift, count: channels),
        scale: Array(repeating: scaling, count: channels)),
      cellSize: 1 << (names.widths.blocks.count - 1), clampsPixels: false, weights: weights)
  }
}

/// What the configuration says of the networks' shape.
private struct Widths {
  let blocks: [Int]
  let layersPerBlock: Int
  let latent: Int
  let groups: Int
  let hasAttention: Bool

  init(_ configuration: ModelConfiguration) throws(ModelError) {
    blocks = try configuration.integers("block_out_channels", in: 1...65536)
    guard (1...8).contains(blocks.count) else {
      throw .configuration(
        file: configuration.file, key: "block_out_channels", expected: "1 to 8 numbers",
        found: "\(blocks.count)")
    }
    layersPerBlock = try configuration.integer("layers_per_block", in: 1...64, default: 1)
    latent = try configuration.integer("latent_channels", in: 1...4096, default: 4)
    groups = try configuration.integer("norm_num_groups", in: 1...65536, default: 32)
    hasAttention = try configuration.bool("mid_block_add_attention", default: true)
    if let uneven = blocks.first(where: { $0 % groups != 0 }) {
      throw .configuration(
        file: configuration.file, key: "norm_num_groups",
        expected: "a divisor of block_out_channels' \(uneven)", found: "\(groups)")
    }
    try configuration.require(
      "act_fn", configuration.string("act_fn", default: "silu"), among: "silu")
    for key in ["in_channels", "out_channels"] {
      try configuration.require(key, configuration.integer(key, default: 3), among: 3)
    }
    for key in ["latents_mean", "latents_std"] {
      try configuration.require(key, configuration.values[key] ?? .null, among: .null)
    }
    try Self.checkBlocks("down_block_types", "DownEncoderBlock2D", blocks.count, configuration)
    try Self.checkBlocks("up_block_types", "UpDecoderBlock2D", blocks.count, configuration)
  }

  private static func checkBlocks(
    _ key: String, _ type: String, _ count: Int, _ configuration: ModelConfiguration
  ) throws(ModelError) {
    let expected = JSONValue.array(Array(repeating: .string(type), count: count))
    try configuration.require(key, configuration.values[key] ?? .null, among: expected)
  }
}

/// The layers under the names of the diffusers layout.
private struct Layers {
  let widths: Widths
  let weights: WeightLoader

  init(_ widths: Widths, _ weights: WeightLoader) {
    self.widths = widths
    self.weights = weights
  }

  func encoder(hasQuantization: Bool) throws(ModelError) -> PixelNetwork {
    let encoder = weights.module("encoder")
    var channels = widths.blocks[0]
    var layers: [PixelLayer] = [
      .convolution(try encoder.convolution("conv_in", from: 3, to: channels))
    ]
    for (index, width) in widths.blocks.enumerated() {
      let block = encoder.module("down_blocks.\(index)")
      for layer in 0..<widths.layersPerBlock {
        layers.append(try residual(block, layer, from: channels, to: width))
        channels = width
      }
      if index < widths.blocks.count - 1 {
        layers.append(
          .convolution(
            try block.convolution(
              "downsamplers.0.conv", from: width, to: width, sampling: .halved)))
      }
    }
    layers += try middle(encoder.module("mid_block"), channels)
    layers.append(try head(encoder, from: channels, to: 2 * widths.latent))
    if hasQuantization {
      layers.append(
        .convolution(
          try weights.convolution(
            "quant_conv", from: 2 * widths.latent, to: 2 * widths.latent, size: 1)))
    }
    return PixelNetwork(layers)
  }

  func decoder(hasQuantization: Bool) throws(ModelError) -> PixelNetwork {
    let decoder = weights.module("decoder")
    var layers: [PixelLayer] = []
    if hasQuantization {
      layers.append(
        .convolution(
          try weights.convolution(
            "post_quant_conv", from: widths.latent, to: widths.latent, size: 1)))
    }
    var channels = widths.blocks[widths.blocks.count - 1]
    layers.append(
      .convolution(try decoder.convolution("conv_in", from: widths.latent, to: channels)))
    layers += try middle(decoder.module("mid_block"), channels)
    for (index, width) in widths.blocks.reversed().enumerated() {
      let block = decoder.module("up_blocks.\(index)")
      for layer in 0...widths.layersPerBlock {
        layers.append(try residual(block, layer, from: channels, to: width))
        channels = width
      }
      if index < widths.blocks.count - 1 {
        layers.append(
          .convolution(
            try block.convolution(
              "upsamplers.0.conv", from: width, to: width, sampling: .doubled)))
      }
    }
    layers.append(try head(decoder, from: channels, to: 3))
    return PixelNetwork(layers)
  }

  private func middle(_ block: WeightLoader, _ channels: Int) throws(ModelError) -> [PixelLayer] {
    var layers = [try residual(block, 0, from: channels, to: channels)]
    if widths.hasAttention {
      let attention = block.module("attentions.0")
      layers.append(
        .attention(
          PixelAttention(
            norm: try attention.groupNorm(
              "group_norm", groups: widths.groups, channels: channels),
            query: try attention.linear("to_q", from: channels, to: channels),
            key: try attention.linear("to_k", from: channels, to: channels),
            value: try attention.linear("to_v", from: channels, to: channels),
            projection: try attention.linear("to_out.0", from: channels, to: channels))))
    }
    layers.append(try residual(block, 1, from: channels, to: channels))
    return layers
  }

  private func residual(
    _ block: WeightLoader, _ index: Int, from inChannels: Int, to outChannels: Int
  ) throws(ModelError) -> PixelLayer {
    let block = block.module("resnets.\(index)")
    return .residual(
      ResidualBlock(
        norm1: try block.groupNorm("norm1", groups: widths.groups, channels: inChannels),
        conv1: try block.convolution("conv1", from: inChannels, to: outChannels),
        norm2: try block.groupNorm("norm2", groups: widths.groups, channels: outChannels),
        conv2: try block.convolution("conv2", from: outChannels, to: outChannels),
        shortcut: inChannels == outChannels
          ? nil
          : try block.convolution("conv_shortcut", from: inChannels, to: outChannels, size: 1)))
  }

  private func head(
    _ network: WeightLoader, from inChannels: Int, to outChannels: Int
  ) throws(ModelError) -> PixelLayer {
    let norm = try network.groupNorm("conv_norm_out", groups: widths.groups, channels: inChannels)
    return .convolution(
      try network.convolution("conv_out", from: inChannels, to: outChannels), after: norm)
  }
}
