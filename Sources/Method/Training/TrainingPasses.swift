package import Compute
package import DiffusionTransformers
package import Sampling

/// Forward passes of a run: the frozen teacher's, and the student's, which is the same base with adapters.
///
/// A student that learns from a teacher is guided as it will be when it draws. With guidance folded in it
/// takes one pass and learns what the teacher's two come to.
package struct TrainingPasses: Sendable {
  let transformer: any DiffusionTransformer
  let settings: TrainingSettings
  /// States of the negative prompt; nil where nothing is guided.
  let negative: Conditioning?
  let options: ForwardOptions

  /// Passes of a run.
  ///
  /// - Parameters:
  ///   - transformer: the frozen base.
  ///   - settings: objective and guidance.
  ///   - negative: states of the negative prompt, where there is guidance.
  ///   - modulations: what passes share.
  package init(
    _ transformer: any DiffusionTransformer, _ settings: TrainingSettings, negative: Conditioning?,
    modulations: ModulationCache
  ) {
    self.transformer = transformer
    self.settings = settings
    self.negative = settings.isTeacherGuided ? negative : nil
    options = ForwardOptions(
      recomputedBlockCount: settings.recomputedBlockCount, modulations: modulations)
  }

  /// The teacher's velocity for a prompt.
  package func teacher(_ prompt: Conditioning) -> GuidedVelocity { velocity(prompt, negative) }

  /// The student's, by the adapters of the tape that it runs on.
  package func student(_ prompt: Conditioning) -> GuidedVelocity {
    velocity(prompt, settings.isStudentGuided ? negative : nil)
  }

  private func velocity(_ prompt: Conditioning, _ negative: Conditioning?) -> GuidedVelocity {
    GuidedVelocity(
      transformer: transformer, prompt: prompt, negative: negative,
      form: GuidanceForm(scale: Float(settings.cfg), keepsNorm: settings.guidanceKeepsNorm),
      guidance: Float(settings.guidance), options: options)
  }

  /// Where the teacher takes a latent.
  ///
  /// - Parameters:
  ///   - latent: packed, `[tokens, channels]`, at the first noise level.
  ///   - grid: of its tokens.
  ///   - sigmas: noise levels to step to, one after the other, from the first on.
  ///   - prompt: the caption's states.
  /// - Returns: the latent at the last noise level.
  package func walk(_ latent: Tensor, grid: TokenGrid, along sigmas: [Float], prompt: Conditioning)
    -> Tensor
  {
    let teacher = teacher(prompt)
    var latent = latent
    for (from, to) in zip(sigmas, sigmas.dropFirst()) {
      let velocity = teacher(Tape(ofTransformers: .inference), at: latent, grid: grid, sigma: from)
      latent.add(velocity.tensor, times: to - from)
    }
    return latent
  }
}
