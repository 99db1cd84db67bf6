package import Compute
package import DiffusionTransformers

/// What a step follows: a transformer's velocity for a prompt, with classifier-free guidance where there
/// are negative states.
package struct GuidedVelocity: Sendable {
  /// The transformer.
  package let transformer: any DiffusionTransformer
  /// The prompt's states.
  package let prompt: Conditioning
  /// The negative prompt's states; nil: no classifier-free guidance.
  package let negative: Conditioning?
  /// How the two are combined.
  package let form: GuidanceForm
  /// Guidance value for models that take one.
  package let guidance: Float?
  /// How passes run.
  package let options: ForwardOptions

  /// A velocity for a prompt.
  package init(
    transformer: any DiffusionTransformer, prompt: Conditioning, negative: Conditioning?,
    form: GuidanceForm, guidance: Float?, options: ForwardOptions
  ) {
    self.transformer = transformer
    self.prompt = prompt
    self.negative = negative
    self.form = form
    self.guidance = guidance
    self.options = options
  }

  /// Forward passes of one evaluation.
  package var passes: Int { negative == nil ? 1 : 2 }

  /// The velocity at a point.
  ///
  /// - Parameters:
  ///   - tape: where passes run, with what adapters act.
  ///   - latent: packed, `[tokens, channels]`.
  ///   - grid: of its tokens.
  ///   - sigma: the noise level that the model is told.
  /// - Returns: the velocity, `[tokens, channels]`.
  package func callAsFunction(
    _ tape: Tape, at latent: Tensor, grid: TokenGrid, sigma: Float
  ) -> Variable {
    func pass(_ conditioning: Conditioning) -> Variable {
      transformer.velocity(
        tape, latent: latent, grid: grid, conditioning: conditioning, sigma: sigma,
        guidance: guidance, options: options)
    }
    let positive = pass(prompt)
    guard let negative else { return positive }
    return tape.guided(positive: positive, negative: pass(negative), form)
  }
}
