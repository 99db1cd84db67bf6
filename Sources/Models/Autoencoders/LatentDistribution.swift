public import Compute
public import Elements

#if canImport(Glibc)
  internal import Glibc
#endif

/// Where a picture may lie in latent space: a normal distribution for every value of the latent,
/// normalised as the transformer expects it.
public struct LatentDistribution: Sendable {
  /// The mean, which is also the mode, `[channels, height, width]`.
  public let mean: Tensor
  /// The standard deviation, of the same shape.
  public let deviation: Tensor
  /// The mean as the encoder gives it, before normalisation.
  public let rawMean: Tensor
  /// The logarithm of the variance as the encoder gives it, clamped to -30...20.
  public let rawLogVariance: Tensor

  /// The distribution in an encoder's output `[2 · channels, height, width]`: means, then
  /// logarithms of variances.
  ///
  /// Source: huggingface/diffusers, `vae.py`, `DiagonalGaussianDistribution`.
  init(moments: Tensor, normalization: LatentNormalization) {
    let shape = [moments.shape[0] / 2] + moments.shape.dropFirst()
    let half = moments.count / 2
    let values = moments.floats
    rawMean = Tensor(shape: shape, Array(values[..<half]))
    rawLogVariance = Tensor(shape: shape, values[half...].map { min(max($0, -30), 20) })
    mean = normalization.normalized(rawMean)
    deviation = normalization.scaled(rawLogVariance.mapped { exp(0.5 * $0) })
  }

  /// A latent drawn from the distribution, `[channels, height, width]`: the stream's normal numbers
  /// in the order of the elements.
  public func sample(_ stream: RandomStream) -> Tensor {
    mean.moved(by: stream.normals(count: mean.count), times: deviation)
  }
}

/// Between an autoencoder's units and the transformer's, channel by channel:
/// normalised = (latent - shift) · scale.
struct LatentNormalization: Sendable {
  let shift: [Float]
  let scale: [Float]

  /// Of a latent `[channels, height, width]` in the autoencoder's units.
  func normalized(_ latent: Tensor) -> Tensor {
    map(latent) { value, channel in (value - shift[channel]) * scale[channel] }
  }

  /// Of standard deviations, which scale but don't shift.
  func scaled(_ deviations: Tensor) -> Tensor {
    map(deviations) { value, channel in value * abs(scale[channel]) }
  }

  /// Of a latent `[channels, height, width]` in the transformer's units.
  func denormalized(_ latent: Tensor) -> Tensor {
    map(latent) { value, channel in value / scale[channel] + shift[channel] }
  }

  private func map(_ latent: Tensor, _ function: (Float, Int) -> Float) -> Tensor {
    precondition(latent.shape.first == shift.count, "latent must be [channels, height, width]")
    let area = max(latent.count / max(shift.count, 1), 1)
    let values = latent.floats.enumerated().map { function($0.element, $0.offset / area) }
    return Tensor(shape: latent.shape, values)
  }
}
