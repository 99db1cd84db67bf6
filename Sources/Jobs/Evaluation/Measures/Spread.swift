package import Compute

/// How far the latents of one prompt are apart: the mean over pairs of the root of the mean squared
/// difference; nil for one latent.
package func spread(_ latents: [Tensor]) -> Double? {
  guard latents.count > 1 else { return nil }
  var sum = 0.0
  for (index, latent) in latents.enumerated() {
    for other in latents[..<index] { sum += meanSquaredError(latent, other).squareRoot() }
  }
  return sum / Double(latents.count * (latents.count - 1) / 2)
}
