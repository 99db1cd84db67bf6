internal import DiffusionTransformers
internal import Pipelines

/// What a model's encoders made of texts, so that several runs over one model encode each once.
public struct EncodedTexts: Sendable {
  /// A text, and what adapters did to the encoders that encoded it: ``EncoderChanges/identity``.
  private struct Key: Hashable {
    let text: String
    let changes: [String]
  }

  private var states: [Key: Conditioning] = [:]
  /// How many of them an earlier run had kept.
  private(set) var keptCount = 0

  /// How many there are.
  var count: Int { states.count }

  /// No texts yet.
  public init() {}

  /// The states of texts, in their order. Those that are not there yet are encoded; encoders are opened only
  /// for them.
  mutating func states(
    of texts: [String], _ changes: EncoderChanges, note: (String) throws -> Void,
    encoder: () throws -> CaptionEncoder
  ) throws -> [Conditioning] {
    let identity = changes.identity
    var opened: CaptionEncoder?
    return try texts.map { text in
      let key = Key(text: text, changes: identity)
      if let known = states[key] { return known }
      let encoder = try opened ?? encoder()
      opened = encoder
      let encoded = try encoder.encode(text)
      for warning in encoded.warnings { try note(warning) }
      states[key] = encoded.conditioning
      keptCount += encoded.isKept ? 1 : 0
      return encoded.conditioning
    }
  }
}
