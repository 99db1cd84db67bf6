/// Classifier-free guidance. Its tensors are latents, small beside anything a block computes.
extension HostEngine {
  package func guide(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm
  ) -> Tensor {
    precondition(positive.shape == negative.shape, "both velocities must have one shape")
    let (wanted, base) = (positive.floats, negative.floats)
    var result = form.mixed(wanted, base)
    guard form.keepsNorm else { return Tensor(shape: positive.shape, result) }
    for token in tokens(of: positive) {
      let factor = Float(norm(wanted[token])) / max(Float(norm(result[token])), smallestNorm)
      for i in token { result[i] *= factor }
    }
    return Tensor(shape: positive.shape, result)
  }

  package func guideBackward(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm, gradient: Tensor
  ) -> (positive: Tensor, negative: Tensor) {
    let (wanted, base) = (positive.floats, negative.floats)
    // The gradient of the combination, and what comes to the positive velocity past it.
    var combined = gradient.floats
    var direct = [Float](repeating: 0, count: combined.count)
    if form.keepsNorm {
      let mix = form.mixed(wanted, base)
      for token in tokens(of: positive) {
        let (length, mixLength) = (norm(wanted[token]), norm(mix[token]))
        guard length > 0, mixLength > Double(smallestNorm) else {
          for i in token { combined[i] = 0 }
          continue
        }
        // y = c |p| / |c|
        let along = token.reduce(0.0) { $0 + Double(combined[$1]) * Double(mix[$1]) }
        for i in token {
          let across = Double(combined[i]) - Double(mix[i]) * along / (mixLength * mixLength)
          direct[i] = Float(along / mixLength * Double(wanted[i]) / length)
          combined[i] = Float(across * length / mixLength)
        }
      }
    }
    return (
      Tensor(shape: positive.shape, zip(combined, direct).map { form.scale * $0 + $1 }),
      Tensor(shape: positive.shape, combined.map { (1 - form.scale) * $0 })
    )
  }

  private func tokens(of velocity: Tensor) -> [Range<Int>] {
    (0..<velocity.rows).map { $0 * velocity.columns..<($0 + 1) * velocity.columns }
  }
}

extension GuidanceForm {
  fileprivate func mixed(_ wanted: [Float], _ base: [Float]) -> [Float] {
    zip(wanted, base).map { $1 + scale * ($0 - $1) }
  }
}

/// Against 0 / 0, which the source of kept norms does not guard.
private let smallestNorm: Float = 1e-12

private func norm(_ values: ArraySlice<Float>) -> Double {
  values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
}
