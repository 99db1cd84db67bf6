#if canImport(Glibc)
  internal import Glibc
#endif

/// Noise levels as signal-to-noise ratios.
///
/// In (1 − sigma) · latent + sigma · noise the ratio is ((1 − sigma) / sigma)²: 0 for pure noise.
public enum SignalToNoise {
  /// The natural logarithm of the ratio: −∞ at sigma 1, ∞ at sigma 0.
  public static func logRatio(sigma: Double) -> Double { 2 * log((1 - sigma) / sigma) }

  /// The sigma in [0, 1] whose ratio has that logarithm.
  public static func sigma(logRatio: Double) -> Double { 1 / (1 + exp(logRatio / 2)) }
}
