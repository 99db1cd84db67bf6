internal import Autoencoders
public import Compute
internal import DiffusionTransformers
public import Pictures
internal import Pipelines
internal import Sampling
internal import SystemPackage

/// Everything that a plan draws with, opened: prompts' states, transformers, adapters, autoencoder.
/// Its pictures may be drawn in any order, and several at a time.
public struct DrawingSession: Sendable {
  /// The plan.
  public let plan: DrawingPlan
  private let encoded: EncodedPrompts
  private let autoencoder: any Autoencoder
  private let sampler: Sampler
  private let experts: ExpertSet
  /// The latent of the picture to start from.
  private let startLatent: Tensor?

  init(_ plan: DrawingPlan, _ encoded: EncodedPrompts, _ autoencoder: any Autoencoder) throws {
    self.plan = plan
    self.encoded = encoded
    self.autoencoder = autoencoder
    _ = try plan.residency()
    startLatent = try plan.start?.latent(plan)
    var experts = ExpertSet()
    for applied in plan.adapters {
      try experts.add(
        applied.adapter, phase: applied.phase, strength: applied.strength,
        source: applied.file.string, model: plan.transformer)
    }
    self.experts = experts
    let models = plan.transformers.map { applied in
      PhaseModels.Model(
        phase: applied.phase, transformer: applied.model.transformer,
        keptConditionings: plan.keptConditionings,
        firstNotFinite: applied.model.firstNotFinite)
    }
    sampler = Sampler(
      models: PhaseModels(models), guidanceKeepsNorm: plan.pipeline.guidanceKeepsNorm)
  }

  /// Draws one picture.
  ///
  /// - Parameters:
  ///   - index: its place in the plan, counted from 0.
  ///   - stepDone: called after every step with its number, counted from 1; may throw to stop.
  /// - Returns: the picture.
  /// - Throws: when numbers aren't finite, or what the closure throws.
  public func picture(
    _ index: Int, stepDone: (_ step: Int) throws -> Void = { _ in }
  ) throws -> DrawnPicture {
    let (request, noise) = (plan.request, try plan.noise(ofPicture: index))
    let prompt = request.prompt(ofPicture: index, among: encoded.prompts.count)
    let item = SamplingItem(
      noise: startLatent.flatMap { plan.start?.start($0, under: noise) } ?? noise,
      prompt: encoded.prompts[prompt], negative: encoded.negative(for: prompt), cfg: plan.cfg,
      guidance: plan.guidance, seed: plan.seed(ofPicture: index) ?? 0)
    let start = ContinuousClock.now
    let latent = try sampler.draw(item, walk: plan.walk, experts: experts) { step, _ in
      try stepDone(step)
    }
    let duration = ContinuousClock.now - start
    return DrawnPicture(
      index: index, prompt: plan.prompt(ofPicture: index), seed: plan.seed(ofPicture: index),
      picture: try picture(of: latent), latent: latent, duration: duration)
  }

  /// The picture of a finished latent.
  public func picture(of latent: Tensor) throws -> Picture {
    let pixels = try autoencoder.decode(latent)
    return Picture(
      normalized: pixels.floats.span, width: plan.size.width, height: plan.size.height)
  }
}

extension DrawingPlan {
  /// Opens what it draws with; text encoders are open only while texts are encoded.
  ///
  /// - Parameters:
  ///   - texts: states that earlier sessions over the same model encoded; what is missing is added.
  ///   - note: called with what to tell the person.
  /// - Returns: the session.
  /// - Throws: what is wrong in the inputs, or what the closure throws.
  public func session(
    _ texts: inout EncodedTexts, note: (String) throws -> Void = { _ in }
  ) throws -> DrawingSession {
    let autoencoder = try pipeline.openAutoencoder(for: transformer)
    if let embeddings {
      return try DrawingSession(self, embeddings, autoencoder)
    }
    let states = try texts.states(
      of: request.prompts + negatives, encoderChanges, note: note
    ) { try openCaptionEncoder() }
    let count = request.prompts.count
    let encoded = EncodedPrompts(
      prompts: Array(states[..<count]), negatives: Array(states[count...]))
    return try DrawingSession(self, encoded, autoencoder)
  }
}
