public import Compute
internal import Tensors

/// Where a picture may lie in latent space: a normal distribution, normalised as the transformer
/// expects it.
public struct LatentDistribution: Sendable {
  /// The mean, which is also the mode, `[channels, height / 8, width / 8]`.
  public let mean: Tensor
  /// The standard deviation, of the same shape.
  public let deviation: Tensor
  /// The mean as the encoder gives it, before normalisation.
  public let rawMean: Tensor
  /// The logarithm of the variance as the encoder gives it, clamped to [-30, 20].
  public let rawLogVariance: Tensor
}

/// A network between pictures and latents.
public protocol Autoencoder: Sendable {
  /// Channels of a latent.
  var latentChannels: Int { get }

  /// Encodes a picture.
  ///
  /// - Parameter pixels: `[3, height, width]` in [-1, 1], both sides multiples of 8.
  /// - Returns: the distribution of its latent.
  func encode(_ pixels: Tensor) -> LatentDistribution

  /// Decodes a normalised latent.
  ///
  /// - Parameter latent: `[channels, height, width]`.
  /// - Returns: pixels `[3, 8 · height, 8 · width]`, roughly in [-1, 1].
  func decode(_ latent: Tensor) -> Tensor
}

/// A channel's map from the encoder's values to normalised ones: (z - offset) · factor.
struct LatentNormalisation: Sendable {
  /// One a channel.
  let offsets: [Float]
  /// One a channel.
  let factors: [Float]

  func normalise(_ latent: Tensor) -> Tensor {
    map(latent) { ($0 - offsets[$1]) * factors[$1] }
  }

  func restore(_ latent: Tensor) -> Tensor { map(latent) { $0 / factors[$1] + offsets[$1] } }

  /// Standard deviations scale, but don't move.
  func scale(_ deviation: Tensor) -> Tensor { map(deviation) { $0 * factors[$1] } }

  private func map(_ latent: Tensor, _ body: (Float, Int) -> Float) -> Tensor {
    let size = latent.count / latent.shape[0]
    return Tensor(
      shape: latent.shape, latent.elements.enumerated().map { body($0.element, $0.offset / size) })
  }
}

extension FeatureMap {
  /// The map of a picture or latent `[channels, height, width]`.
  init(channelsFirst tensor: Tensor) {
    let (channels, size) = (tensor.shape[0], tensor.shape[1] * tensor.shape[2])
    var values = Tensor(shape: [size, channels], repeating: 0)
    for channel in 0..<channels {
      for pixel in 0..<size {
        values.elements[pixel * channels + channel] = tensor.elements[channel * size + pixel]
      }
    }
    self.init(height: tensor.shape[1], width: tensor.shape[2], values: values)
  }

  /// Some channels of the map, `[channels, height, width]`.
  func channelsFirst(_ range: Range<Int>) -> Tensor {
    let (count, size) = (channels, height * width)
    var tensor = Tensor(shape: [range.count, height, width], repeating: 0)
    for (index, channel) in range.enumerated() {
      for pixel in 0..<size {
        tensor.elements[index * size + pixel] = values.elements[pixel * count + channel]
      }
    }
    return tensor
  }
}
