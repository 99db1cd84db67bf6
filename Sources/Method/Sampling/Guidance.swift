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
  var result = negative
  for i in result.elements.indices {
    result.elements[i] += scale * (positive.elements[i] - negative.elements[i])
  }
  guard keepsNorm else { return result }
  let channels = result.columns
  for first in stride(from: 0, to: result.count, by: channels) {
    let token = first..<first + channels
    let wanted = norm(positive.elements[token])
    // Against 0 / 0, which the source does not guard.
    let factor = wanted / max(norm(result.elements[token]), 1e-12)
    for i in token { result.elements[i] *= factor }
  }
  return result
}

private func norm(_ values: ArraySlice<Float>) -> Float {
  Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
}
