internal import Adapters
internal import Autoencoders
public import Compute
internal import DiffusionTransformers
public import Pictures
internal import Pipelines
internal import Sampling
internal import Schedules
internal import SystemPackage

/// One picture that was drawn.
public struct DrawnPicture: Sendable {
  /// Place in the run, counted from 0.
  public let index: Int
  /// The prompt; empty where states were given instead.
  public let prompt: String
  /// What its noise was made from; nil where noise was given.
  public let seed: UInt64?
  /// The decoded picture.
  public let picture: Picture
  /// The normalised latent, `[channels, height / 8, width / 8]`.
  public let latent: Tensor
  /// Time of the walk, without encoding and decoding.
  public let duration: Duration
}

/// What happens during a run.
public enum DrawingEvent: Sendable {
  /// A note for the person.
  case note(String)
  /// Steps of all pictures done so far.
  case steps(Int)
  /// A picture is done.
  case drawn(DrawnPicture)
}

extension DrawingPlan {
  /// Draws all pictures: encodes the prompts and gives the text encoders back, then runs the base,
  /// loaded once, then decodes.
  ///
  /// - Parameter handle: called with everything that happens; may throw to stop.
  /// - Throws: what is wrong in the inputs, or what the handler throws.
  public func draw(_ handle: (DrawingEvent) throws -> Void) throws {
    let autoencoder = try pipeline.openAutoencoder(for: transformer)
    let encoded = try embeddings ?? encodePrompts(handle)
    let grid = request.grid
    let shape = [transformer.tokenChannels / 4, 2 * grid.rows, 2 * grid.columns]
    var experts = ExpertSet()
    for applied in adapters {
      try experts.add(
        applied.adapter, phase: applied.phase, strength: applied.strength,
        source: applied.file.string, model: transformer)
    }
    let models = transformers.map { applied in
      PhaseModels.Model(
        phase: applied.phase, transformer: applied.model.transformer,
        keptConditionings: keptConditionings,
        firstNotFinite: applied.model.firstNotFinite)
    }
    let sampler = Sampler(
      models: PhaseModels(models), guidanceKeepsNorm: pipeline.guidanceKeepsNorm)
    for index in 0..<pictureCount {
      let prompt = request.prompt(ofPicture: index, among: encoded.prompts.count)
      let item = try SamplingItem(
        noise: noise.map { try $0.noise(at: index % $0.count) }
          ?? SamplingItem.noise(seed: seed(ofPicture: index) ?? 0, shape: shape),
        prompt: encoded.prompts[prompt], negative: encoded.negative(for: prompt), cfg: cfg,
        guidance: guidance)
      let start = ContinuousClock.now
      let latent = try sampler.draw(item, walk: walk, experts: experts) { step, _ in
        try handle(.steps(index * walk.steps.count + step))
      }
      let duration = ContinuousClock.now - start
      let pixels = try autoencoder.decode(latent)
      try handle(
        .drawn(
          DrawnPicture(
            index: index, prompt: self.prompt(ofPicture: index), seed: self.seed(ofPicture: index),
            picture: Picture(
              normalized: pixels.floats.span, width: request.width, height: request.height),
            latent: latent, duration: duration)))
    }
  }

  /// The text of a picture's prompt; empty where states are given instead.
  public func prompt(ofPicture index: Int) -> String {
    embeddings == nil
      ? request.prompts[request.prompt(ofPicture: index, among: request.prompts.count)] : ""
  }

  /// What a picture's noise is made from; nil where noise is given.
  public func seed(ofPicture index: Int) -> UInt64? {
    noise == nil ? request.seed &+ UInt64(index % request.picturesPerPrompt) : nil
  }

  private func encodePrompts(
    _ handle: (DrawingEvent) throws -> Void
  ) throws -> EncodedPrompts {
    let encoder = try pipeline.openCaptionEncoder(
      for: transformer, textTokens: request.textTokens)
    func encode(_ text: String) throws -> Conditioning {
      let encoded = try encoder.encode(text)
      for warning in encoded.warnings { try handle(.note(warning)) }
      return encoded.conditioning
    }
    return EncodedPrompts(
      prompts: try request.prompts.map(encode), negatives: cfg == 1 ? [] : [try encode(negative)])
  }
}
