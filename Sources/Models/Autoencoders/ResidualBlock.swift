internal import Compute

/// x + conv2(silu(norm2(conv1(silu(norm1(x)))))), with a 1x1 convolution of x where channels change.
///
/// Source: huggingface/diffusers, `resnet.py`, `ResnetBlock2D.forward` without time embedding, and
/// `autoencoder_kl_qwenimage.py`, `QwenImageResidualBlock.forward`.
struct ResidualBlock: Sendable {
  let norm1: Normalization
  let conv1: Convolution
  let norm2: Normalization
  let conv2: Convolution
  let shortcut: Convolution?

  var isLocal: Bool { norm1.isLocal && norm2.isLocal }

  /// The block's output. Two maps are alive at a time: x, which becomes the output, and what lies
  /// between the convolutions; three where the channels grow.
  func callAsFunction(_ x: consuming FeatureMap, on engine: PixelEngine) -> FeatureMap {
    let hidden = conv1(x, after: norm1, on: engine)
    var y = residual(x, on: engine)
    conv2.add(hidden, after: norm2, on: engine, to: &y)
    return y
  }

  private func residual(_ x: consuming FeatureMap, on engine: PixelEngine) -> FeatureMap {
    guard let shortcut else { return x }
    return shortcut.taking(x, on: engine)
  }
}
