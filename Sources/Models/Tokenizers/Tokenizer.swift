/// Turns text into the token ids that a text encoder reads.
///
/// The ids of a text alone come from `textIDs(_:)`; `encode(_:maximumLength:padding:)` frames them
/// with the tokens that the model expects around a text, cuts and pads.
public protocol Tokenizer: Sendable {
  /// The longest sequence that the model takes, from `tokenizer_config.json`; nil when the file
  /// sets no bound.
  var modelMaximumLength: Int? { get }
  /// The id that fills a sequence up to a fixed length.
  var paddingID: Int32 { get }
  /// One more than the largest id that can come out: an embedding needs at least as many rows.
  var idBound: Int { get }
  /// Ids in front of every text.
  var leadingIDs: [Int32] { get }
  /// Ids after every text; a cut keeps them.
  var trailingIDs: [Int32] { get }

  /// The ids of a text, without those that frame it, uncut.
  func textIDs(_ text: String) -> [Int32]
}

extension Tokenizer {
  /// The token ids of a text, framed as the model expects.
  ///
  /// - Parameters:
  ///   - text: any text; tokens such as `<|im_end|>` written in it are taken as those tokens.
  ///   - maximumLength: the most ids to return, framing ids included. The end of the text is cut,
  ///     never the framing, unless that alone is longer.
  ///   - padding: whether to fill up to `maximumLength` with `paddingID`, on the right.
  /// - Returns: the ids, how many are real, and how many of the text were cut.
  public func encode(
    _ text: String, maximumLength: Int? = nil, padding: Bool = false
  ) -> TokenSequence {
    var content = textIDs(text)[...]
    let frameCount = leadingIDs.count + trailingIDs.count
    let limit = max(maximumLength ?? .max, 0)
    let droppedCount = max(content.count - max(limit - frameCount, 0), 0)
    content.removeLast(droppedCount)
    var ids = leadingIDs
    ids += content
    ids += trailingIDs
    if ids.count > limit { ids.removeLast(ids.count - limit) }
    let tokenCount = ids.count
    if padding, let maximumLength, maximumLength > tokenCount {
      ids += repeatElement(paddingID, count: maximumLength - tokenCount)
    }
    return TokenSequence(ids: ids, tokenCount: tokenCount, droppedCount: droppedCount)
  }
}

/// The ids of one text.
public struct TokenSequence: Sendable, Equatable {
  /// Token ids `[length]`: the real ones, then padding.
  public let ids: [Int32]
  /// How many of the ids are real.
  public let tokenCount: Int
  /// How many ids of the text were cut to keep the maximum length.
  public let droppedCount: Int

  /// Whether the end of the text was cut.
  public var isTruncated: Bool { droppedCount > 0 }
  /// The attention mask `[length]`: 1 for a real token, 0 for padding.
  public var mask: [Int32] { ids.indices.map { $0 < tokenCount ? 1 : 0 } }

  /// A sequence whose first `tokenCount` ids are real.
  public init(ids: [Int32], tokenCount: Int, droppedCount: Int) {
    self.ids = ids
    self.tokenCount = tokenCount
    self.droppedCount = droppedCount
  }
}
