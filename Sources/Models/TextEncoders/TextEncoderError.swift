/// Why ids can't be encoded.
public enum TextEncoderError: Error, Equatable, CustomStringConvertible {
  /// An id is outside the vocabulary: tokenizer and encoder are not of one model.
  case unknownToken(encoder: String, id: Int32, vocabulary: Int)
  /// There are more ids than the encoder has positions for.
  case tooLong(encoder: String, count: Int, limit: Int)
  /// The table of tokens can't be read.
  case unreadable(detail: String)

  /// One line: what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .unknownToken(let encoder, let id, let vocabulary):
      "\(encoder): token id \(id), expected 0 to \(vocabulary - 1); "
        + "do tokenizer and text encoder belong to the same model?"
    case .tooLong(let encoder, let count, let limit):
      "\(encoder): \(count) tokens, expected at most \(limit)"
    case .unreadable(let detail): detail
    }
  }

  /// Checks ids against a vocabulary.
  static func check(_ ids: [Int32], encoder: String, vocabulary: Int) throws(TextEncoderError) {
    for id in ids where id < 0 || Int(id) >= vocabulary {
      throw .unknownToken(encoder: encoder, id: id, vocabulary: vocabulary)
    }
  }
}
