public import Compute
public import DiffusionTransformers
internal import Elements
public import Schedules

/// What one picture is drawn from.
public struct SamplingItem: Sendable {
  /// Noise to start from, normalised latent, `[channels, height, width]`.
  public var noise: Tensor
  /// The prompt's states.
  public var prompt: Conditioning
  /// The negative prompt's states; nil: no classifier-free guidance.
  public var negative: Conditioning?
  /// Classifier-free guidance scale.
  public var cfg: Double
  /// Guidance value for models that take one.
  public var guidance: Double?
  /// Names the noise of steps that go back under new noise.
  public var seed: UInt64

  /// An item; classifier-free guidance happens when there are negative states and the scale isn't 1.
  public init(
    noise: Tensor, prompt: Conditioning, negative: Conditioning? = nil, cfg: Double = 1,
    guidance: Double? = nil, seed: UInt64 = 0
  ) {
    self.noise = noise
    self.prompt = prompt
    self.negative = cfg == 1 ? nil : negative
    self.cfg = cfg
    self.guidance = guidance
    self.seed = seed
  }

  /// Noise of a latent that depends on the seed only.
  public static func noise(seed: UInt64, shape: [Int]) -> Tensor {
    let stream = RandomStream(seed: seed, purpose: .initialLatent)
    return Tensor(shape: shape, stream.normals(count: shape.elementCount))
  }
}

/// Walks from noise to a latent by the steps' rules, changing experts and transformers where the phase
/// changes.
public struct Sampler: Sendable {
  private let models: PhaseModels
  private let guidanceKeepsNorm: Bool

  /// A sampler of transformers by phase.
  ///
  /// - Parameters:
  ///   - models: the transformers.
  ///   - guidanceKeepsNorm: how the family's classifier-free guidance is done.
  public init(models: PhaseModels, guidanceKeepsNorm: Bool) {
    self.models = models
    self.guidanceKeepsNorm = guidanceKeepsNorm
  }

  /// Draws one latent.
  ///
  /// - Parameters:
  ///   - item: noise, prompt and guidance.
  ///   - walk: the steps.
  ///   - experts: adapters by phase.
  ///   - stepDone: called after every step with its number, counted from 1, and the latent; may
  ///     throw to stop.
  /// - Returns: the normalised latent, `[channels, height, width]`.
  /// - Throws: when the noise or a prompt's states are not what the model takes, when its output is
  ///   not finite, or what `stepDone` throws.
  public func draw(
    _ item: SamplingItem, walk: Walk, experts: ExpertSet,
    stepDone: (_ step: Int, _ latent: Tensor) throws -> Void = { _, _ in }
  ) throws -> Tensor {
    let model = models.any
    let shape = item.noise.shape
    guard shape.count == 3, 4 * shape[0] == model.tokenChannels,
      shape.allSatisfy({ $0 > 0 }), shape[1].isMultiple(of: 2), shape[2].isMultiple(of: 2)
    else {
      throw SamplingError.invalid(
        source: "noise",
        expected: "[\(model.tokenChannels / 4), height, width] with even height and width",
        found: "\(shape)")
    }
    try model.check(item.prompt, from: .init(text: "prompt", pooled: "prompt"))
    if let negative = item.negative {
      try model.check(negative, from: .init(text: "negative prompt", pooled: "negative prompt"))
    }
    let grid = TokenGrid(latentShape: shape)
    var tokens = packTokens(item.noise)
    for (index, step) in walk.steps.enumerated() {
      let model = models[step.phase]
      let velocity = velocity(
        of: model, item, tokens, grid, step, adapters: experts.adapters(for: step.phase)
      )
      guard velocity.isFinite else {
        throw SamplingError.notFinite(
          step: index, sigma: step.modelSigma, tensor: model.firstNotFinite())
      }
      step.advance(&tokens, along: velocity) {
        packTokens(SamplingItem.noise(seed: item.seed, afterStep: index + 1, shape: shape))
      }
      try stepDone(index + 1, unpackTokens(tokens, grid: grid))
    }
    return unpackTokens(tokens, grid: grid)
  }

  private func velocity(
    of model: PhaseModels.Model, _ item: SamplingItem, _ tokens: Tensor, _ grid: TokenGrid,
    _ step: Walk.Step, adapters: AttachedAdapters
  ) -> Tensor {
    let velocity = GuidedVelocity(
      transformer: model.transformer, prompt: item.prompt, negative: item.negative,
      form: GuidanceForm(scale: Float(item.cfg), keepsNorm: guidanceKeepsNorm),
      guidance: item.guidance.map { Float($0) },
      options: ForwardOptions(modulations: model.modulations))
    return velocity(
      Tape(ofTransformers: .inference, adapters: adapters), at: tokens, grid: grid,
      sigma: step.modelSigma
    ).tensor.onHost()
  }
}
