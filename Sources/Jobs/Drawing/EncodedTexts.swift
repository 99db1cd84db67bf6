internal import DiffusionTransformers
internal import Pipelines

/// What a model's encoders made of texts, so that several runs over one model encode each once.
public struct EncodedTexts: Sendable {
  private var states: [String: Conditioning] = [:]
  /// How many of them an earlier run had kept.
  private(set) var keptCount = 0

  /// How many there are.
  var count: Int { states.count }

  /// No texts yet.
  public init() {}

  /// Encodes the texts that are not there yet, in their order; opens encoders only for those.
  mutating func add(
    _ texts: [String], note: (String) throws -> Void, encoder: () throws -> CaptionEncoder
  ) throws {
    let missing = texts.filter { states[$0] == nil }
    guard !missing.isEmpty else { return }
    let encoder = try encoder()
    for text in missing where states[text] == nil {
      let encoded = try encoder.encode(text)
      for warning in encoded.warnings { try note(warning) }
      states[text] = encoded.conditioning
      keptCount += encoded.isKept ? 1 : 0
    }
  }

  /// The states of texts that were added.
  func states(of texts: [String]) -> [Conditioning] { texts.compactMap { states[$0] } }
}
