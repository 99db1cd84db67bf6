extension Tape {
  /// Classifier-free guidance: negative + scale · (positive - negative), every token scaled to the norm of
  /// its positive velocity where the family does that.
  ///
  /// Source: Ho and Salimans, "Classifier-free diffusion guidance" (arXiv 2207.12598); the kept norm:
  /// huggingface/diffusers, `pipeline_qwenimage.py`, `__call__`.
  ///
  /// - Parameters:
  ///   - positive: velocity with the prompt, `[tokens, channels]`.
  ///   - negative: velocity with the negative prompt.
  ///   - form: how they are combined.
  /// - Returns: the guided velocity.
  package func guided(
    positive: Variable, negative: Variable, _ form: GuidanceForm
  ) -> Variable {
    record(
      engine.guide(positive.tensor, against: negative.tensor, form), from: [positive, negative],
      saving: [.exact(positive.tensor), .exact(negative.tensor)]
    ) { [engine] saved, dy in
      let gradients = engine.guideBackward(saved[0], against: saved[1], form, gradient: dy)
      return [gradients.positive, gradients.negative]
    }
  }
}
