public import Compute
internal import Elements

/// One item of a training step: a point between a latent and noise, and the velocity there.
///
/// x = (1 - sigma) · latent + sigma · noise, velocity = noise - latent.
///
/// Source: Lipman et al., "Flow matching for generative modeling" (arXiv 2210.02747), with the
/// linear path of Liu et al., "Flow straight and fast" (arXiv 2209.03003).
public struct FlowMatchingItem: Sendable {
  /// The noised latent, of the latent's shape.
  public let noised: Tensor
  /// The velocity to learn, of the latent's shape.
  public let velocity: Tensor

  /// The item of a latent, noise of the same shape and a noise level.
  ///
  /// - Parameters:
  ///   - latent: normalised, in any layout.
  ///   - noise: standard normal, of the latent's shape.
  ///   - sigma: share of noise, 0 to 1.
  ///   - roundsToBFloat16: rounds the inputs and every result to bfloat16, as the published
  ///     training code computes.
  public init(latent: Tensor, noise: Tensor, sigma: Float, roundsToBFloat16: Bool = false) {
    precondition(latent.shape == noise.shape, "latent and noise must have one shape")
    let round: (Float) -> Float = roundsToBFloat16 ? { Float(BFloat16($0)) } : { $0 }
    let (s, rest) = (round(sigma), round(1 - round(sigma)))
    let pairs = zip(latent.floats, noise.floats).map { (round($0), round($1)) }
    noised = Tensor(
      shape: latent.shape, pairs.map { round(round(rest * $0.0) + round(s * $0.1)) })
    velocity = Tensor(shape: latent.shape, pairs.map { round($0.1 - $0.0) })
  }
}
