internal import Adapters
internal import Autoencoders
public import Compute
internal import DiffusionTransformers
public import Pictures
internal import Pipelines
internal import Sampling
internal import Schedules

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
    let model = try openTransformer()
    let encoded = try encodePrompts(handle, textChannels: model.transformer.textChannels)
    let grid = TokenGrid(rows: request.height / 16, columns: request.width / 16)
    let channels = model.transformer.tokenChannels / 4
    var experts = ExpertSet()
    for (expert, strength, source) in self.experts {
      try experts.add(
        expert.adapter, phase: expert.phase.flatMap { Phase(name: $0) }, strength: strength,
        source: source, model: model.transformer)
    }
    let noises = try request.latents.map {
      try readLatents($0, channels: channels, grid: grid)
    }
    let sampler = Sampler(
      model: model.transformer, guidanceKeepsNorm: pipeline.guidanceKeepsNorm,
      firstNotFinite: model.firstNotFinite)
    let autoencoder = try pipeline.openAutoencoder()
    let count = noises?.count ?? encoded.prompts.count * request.picturesPerPrompt
    for index in 0..<max(count, encoded.prompts.count) {
      let prompt = index / request.picturesPerPrompt % encoded.prompts.count
      let seed = request.seed &+ UInt64(index % request.picturesPerPrompt)
      let shape = [channels, 2 * grid.rows, 2 * grid.columns]
      let noise =
        noises.map { $0[index % $0.count] } ?? SamplingItem.noise(seed: seed, shape: shape)
      let item = SamplingItem(
        noise: noise, prompt: encoded.prompts[prompt], negative: encoded.negative, cfg: cfg,
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
            index: index, prompt: request.prompts.isEmpty ? "" : request.prompts[prompt],
            seed: noises == nil ? seed : nil,
            picture: Picture(
              normalized: pixels.elements.span, width: request.width, height: request.height),
            latent: latent, duration: duration)))
    }
  }

  private func openTransformer() throws -> OpenedTransformer {
    if let file = request.transformer { return try pipeline.openTransformer(from: file) }
    return try pipeline.openTransformer()
  }

  private func encodePrompts(
    _ handle: (DrawingEvent) throws -> Void, textChannels: Int
  ) throws -> EncodedPrompts {
    if let file = request.embeddings {
      let read = try EncodedPrompts(reading: file, textChannels: textChannels)
      guard cfg == 1 || read.negative != nil else {
        throw SamplingError.invalid(
          source: "\(file)", expected: "'negative_prompt_embeds' for --cfg \(cfg)",
          found: "none; give it, or --cfg 1")
      }
      return read
    }
    let encoder = try pipeline.openCaptionEncoder(textTokens: request.textTokens)
    func encode(_ text: String) throws -> Conditioning {
      let encoded = try encoder.encode(text)
      for warning in encoded.warnings { try handle(.note(warning)) }
      return encoded.conditioning
    }
    return EncodedPrompts(
      prompts: try request.prompts.map(encode), negative: cfg == 1 ? nil : try encode(negative))
  }
}
