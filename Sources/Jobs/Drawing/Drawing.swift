internal import Adapters
public import Compute
internal import DiffusionTransformers
public import Pictures
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
  /// The prompts are encoded; of so many the states were kept from earlier runs.
  case encoded(kept: Int, all: Int)
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
    var texts = EncodedTexts()
    try draw(&texts, handle)
  }

  /// The same with states of texts that earlier plans over the same model encoded; what is missing is added.
  public func draw(
    _ texts: inout EncodedTexts, _ handle: (DrawingEvent) throws -> Void
  ) throws {
    let session = try session(&texts) { try handle(.note($0)) }
    if embeddings == nil { try handle(.encoded(kept: texts.keptCount, all: texts.count)) }
    for index in 0..<pictureCount {
      let drawn = try session.picture(index) { step in
        try handle(.steps(index * walk.steps.count + step))
      }
      try handle(.drawn(drawn))
    }
  }

  /// What a picture's walk starts from, or the noise that its first picture is put under, `[channels, height / 8,
  /// width / 8]`.
  ///
  /// - Throws: when a number of given noise isn't finite.
  public func noise(ofPicture index: Int) throws -> Tensor {
    if let noise { return try noise.noise(at: index % noise.count) }
    let shape = [transformer.tokenChannels / 4, 2 * grid.rows, 2 * grid.columns]
    return SamplingItem.noise(seed: seed(ofPicture: index) ?? 0, shape: shape)
  }

  /// The text of a picture's prompt; empty where states are given instead.
  public func prompt(ofPicture index: Int) -> String {
    embeddings == nil
      ? request.prompts[request.prompt(ofPicture: index, among: request.prompts.count)] : ""
  }

  /// What a picture's noise is made from; nil where all noise is given, so that none is made.
  public func seed(ofPicture index: Int) -> UInt64? {
    guard noise == nil || schedule.rule == .renoise else { return nil }
    return request.picks?[index].seed
      ?? request.seed &+ UInt64(index % (noise?.count ?? request.picturesPerPrompt))
  }
}
