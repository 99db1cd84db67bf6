internal import Compute
internal import DiffusionTransformers
internal import Pipelines

extension DrawingPlan {
  /// The texts to encode, each once: prompts, and where it is needed the negative one.
  private var texts: [String] {
    guard embeddings == nil else { return [] }
    var seen: Set<String> = []
    return (request.prompts + negatives).filter { seen.insert($0).inserted }
  }

  /// The negative prompts' texts.
  var negatives: [String] { cfg == 1 ? [] : [negative] }

  /// What adapters do to the text encoders.
  var encoderChanges: EncoderChanges { EncoderChanges(adapters) }

  /// Opens what encodes the texts.
  func openCaptionEncoder() throws -> CaptionEncoder {
    try pipeline.openCaptionEncoder(
      for: transformer, textTokens: request.textTokens, cache: request.cache,
      merging: encoderChanges.merge)
  }

  /// How many texts' states are kept from earlier runs, as far as that is known without hashing large files, and
  /// how many there are; nil where nothing is to be kept.
  ///
  /// - Throws: what is wrong with text encoders that are needed.
  public func keptTexts() throws -> (kept: Int, all: Int)? {
    guard request.cache != nil, !texts.isEmpty, encoderChanges.merge == nil else { return nil }
    let encoder = try openCaptionEncoder()
    let kept = try texts.count(where: encoder.isKept)
    if kept < texts.count { try encoder.prepare() }
    return (kept, texts.count)
  }

  /// Tokens of the longest prompt.
  func textTokenCount() throws -> Int {
    if let embeddings {
      return (embeddings.prompts + embeddings.negatives).map(\.text.rows).max() ?? 0
    }
    let encoder = try openCaptionEncoder()
    return try texts.map(encoder.tokenCount).max() ?? 0
  }
}
