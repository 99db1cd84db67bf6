internal import Compute
internal import ModelLoading
internal import Tensors

/// A table of vectors, one a token id; only the rows that a text needs are read and widened.
struct TokenEmbedding: Sendable {
  private let table: TensorView
  /// Number of ids.
  let count: Int
  private let channels: Int

  init(_ loader: WeightLoader, _ name: String, count: Int, channels: Int) throws(ModelError) {
    table = try loader.tensor(name, shape: [count, channels])
    self.count = count
    self.channels = channels
  }

  /// The vectors of some ids, `[ids.count, channels]`; ids must lie in `0..<count`.
  func callAsFunction(_ ids: [Int32]) -> Tensor {
    var rows: [Float] = []
    rows.reserveCapacity(ids.count * channels)
    for id in ids { rows += table.rows(Int(id)..<Int(id) + 1).floats() }
    return Tensor(shape: [ids.count, channels], rows)
  }
}

/// Why ids can't be encoded.
public enum TextEncoderError: Error, Equatable, CustomStringConvertible {
  /// An id is outside the vocabulary: tokenizer and encoder are not of one model.
  case unknownToken(encoder: String, id: Int32, vocabulary: Int)
  /// There are more ids than the encoder has positions for.
  case tooLong(encoder: String, count: Int, limit: Int)

  /// One line: what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .unknownToken(let encoder, let id, let vocabulary):
      "\(encoder): token id \(id), expected 0 to \(vocabulary - 1); "
        + "do tokenizer and text encoder belong to the same model?"
    case .tooLong(let encoder, let count, let limit):
      "\(encoder): \(count) tokens, expected at most \(limit)"
    }
  }

  /// Checks ids against a vocabulary.
  static func check(_ ids: [Int32], encoder: String, vocabulary: Int) throws(TextEncoderError) {
    for id in ids where id < 0 || Int(id) >= vocabulary {
      throw .unknownToken(encoder: encoder, id: id, vocabulary: vocabulary)
    }
  }
}
