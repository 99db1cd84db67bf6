internal import Compute

/// Classifier-free guidance: negative + scale · (positive - negative).
///
/// Source: Ho and Salimans, "Classifier-free diffusion guidance" (arXiv 2207.12598); the kept norm:
/// huggingface/diffusers, `pipeline_qwenimage.py`, `__call__`.
///
/// - Parameters:
///   - positive: velocity with the prompt, packed, `[tokens, channels]`.
///   - negative: velocity with the negative prompt.
///   - scale: 1 leaves the positive velocity as it is.
///   - keepsNorm: whether every token of the result is scaled to the norm of its positive velocity.
/// - Returns: the guided velocity.
func guided(positive: Tensor, negative: Tensor, scale: Float, keepsNorm: Bool) -> Tensor {
  precondition(positive.shape == negative.shape, "both velocities must have one shape")
  let (wanted, base) = (positive.floats, negative.floats)
  var result = zip(wanted, base).map { $1 + scale * ($0 - $1) }
  guard keepsNorm else { return Tensor(shape: positive.shape, result) }
  let channels = positive.columns
  for first in stride(from: 0, to: result.count, by: channels) {
    let token = first..<first + channels
    // Against 0 / 0, which the source does not guard.
    let factor = norm(wanted[token]) / max(norm(result[token]), 1e-12)
    for i in token { result[i] *= factor }
  }
  return Tensor(shape: positive.shape, result)
}

private func norm(_ values: ArraySlice<Float>) -> Float {
  Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
}
