public import SystemPackage

/// The tokenizer of T5's encoder: a unigram model over words that begin with `▁`.
///
/// A text is normalised by the model's own character map, cut at white space, of which nothing
/// else stays, and followed by an end token.
///
/// **Source:** huggingface/transformers, `models/t5/tokenization_t5.py`, `T5Tokenizer`.
public struct T5Tokenizer: Tokenizer {
  /// The configuration's `model_max_length`; nil when it sets no bound.
  public let modelMaximumLength: Int?
  /// The id of the configured `pad_token`; `<pad>` without one.
  public let paddingID: Int32
  /// One more than the largest id.
  public let idBound: Int
  /// Nothing comes before a text.
  public let leadingIDs: [Int32] = []
  /// The end token `</s>`.
  public let trailingIDs: [Int32]
  private let addedTokens: AddedTokenMatcher
  private let model: UnigramModel

  /// Reads the tokenizer in a folder: `tokenizer.json` or `spiece.model`, and
  /// `tokenizer_config.json` if there is one.
  public init(folder path: FilePath) throws(TokenizerError) {
    let folder = try TokenizerFolder(path)
    let files = try UnigramFiles(folder)
    let end = try folder.token("eos_token")?.content ?? "</s>"
    let padding = try folder.token("pad_token")?.content ?? "<pad>"
    let sentinels = files.pieces.lazy.map(\.text).filter(T5Tokenizer.isSentinel)
    let tokens = try folder.addedTokens(
      vocabulary: files.vocabulary, serialized: files.serialized,
      defaults: [
        ("eos_token", end), ("pad_token", padding),
        ("unk_token", files.pieces[Int(files.unknownID)].text),
      ], special: Array(sentinels))
    let ids = AddedTokenIDs(tokens, vocabulary: files.vocabulary)
    trailingIDs = [try ids.id(of: end)]
    paddingID = try ids.id(of: padding)
    idBound = ids.bound
    modelMaximumLength = try folder.modelMaximumLength()
    model = UnigramModel(pieces: files.pieces, unknownID: files.unknownID)
    let characterMap = files.characterMap
    addedTokens = AddedTokenMatcher(tokens) { characterMap.normalize($0) }
  }

  /// The ids of a text without its frame.
  public func textIDs(_ text: String) -> [Int32] {
    addedTokens.ids(of: text) { scalars, ids in
      for word in T5Tokenizer.words(of: scalars) { model.encode(word, into: &ids) }
    }
  }

  /// The words of a normalised text as UTF-8 bytes, each with a `▁` in front. One written in the
  /// text begins a word as well.
  private static func words(of scalars: ArraySlice<Unicode.Scalar>) -> [[UInt8]] {
    let mark = Array("▁".utf8)
    var words: [[UInt8]] = []
    var isInWord = false
    for scalar in scalars {
      if scalar.properties.isWhitespace {
        isInWord = false
      } else if scalar == "▁" {
        words.append(mark)
        isInWord = true
      } else {
        if !isInWord { words.append(mark) }
        words[words.count - 1] += UTF8.encode(scalar)!
        isInWord = true
      }
    }
    return words
  }

  /// Whether a piece is one of `<extra_id_0>`, `<extra_id_1>` and so on.
  private static func isSentinel(_ piece: String) -> Bool {
    piece.hasPrefix("<extra_id_") && piece.hasSuffix(">")
      && piece.dropFirst(10).dropLast().allSatisfy { $0.isASCII && $0.isNumber }
  }
}
