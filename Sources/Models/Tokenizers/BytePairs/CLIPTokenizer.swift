public import SystemPackage

/// The tokenizer of CLIP's text encoder: byte-pair encoding of lower-case words.
///
/// A text is composed (NFC), its white space folded into single spaces and its letters made small;
/// it is then cut in words, whose last token ends in `</w>`, and framed by a start and an end
/// token. The end token also pads.
///
/// **Source:** huggingface/transformers, `models/clip/tokenization_clip.py`, `CLIPTokenizer`.
public struct CLIPTokenizer: Tokenizer {
  /// The configuration's `model_max_length`; nil when it sets no bound.
  public let modelMaximumLength: Int?
  /// The id of the configured `pad_token`; the end token without one.
  public let paddingID: Int32
  /// One more than the largest id.
  public let idBound: Int
  /// The start token.
  public let leadingIDs: [Int32]
  /// The end token.
  public let trailingIDs: [Int32]
  private let addedTokens: AddedTokenMatcher
  private let model: BytePairModel

  /// Reads the tokenizer in a folder: `vocab.json` and `merges.txt`, or `tokenizer.json`; and
  /// `tokenizer_config.json` if there is one.
  public init(folder path: FilePath) throws(TokenizerError) {
    let folder = try TokenizerFolder(path)
    let files = try BytePairFiles(folder)
    let start = try folder.token("bos_token")?.content ?? "<|startoftext|>"
    let end = try folder.token("eos_token")?.content ?? "<|endoftext|>"
    let tokens = try folder.addedTokens(
      vocabulary: files.vocabulary, serialized: files.serialized,
      defaults: [
        ("bos_token", start), ("eos_token", end), ("unk_token", end), ("pad_token", end),
      ])
    let ids = AddedTokenIDs(tokens, vocabulary: files.vocabulary)
    leadingIDs = [try ids.id(of: start)]
    trailingIDs = [try ids.id(of: end)]
    paddingID = try ids.id(of: folder.token("pad_token")?.content ?? end)
    idBound = ids.bound
    modelMaximumLength = try folder.modelMaximumLength()
    model = try BytePairModel(
      vocabulary: files.vocabulary, mergeList: files.mergeList, endOfWord: "</w>",
      unknownID: try ids.id(of: folder.token("unk_token")?.content ?? end))
    addedTokens = AddedTokenMatcher(tokens, normalize: CLIPTokenizer.normalize)
  }

  /// The ids of a text without its frame.
  public func textIDs(_ text: String) -> [Int32] {
    addedTokens.ids(of: text) { scalars, ids in
      let text = ClassifiedText(scalars)
      CLIPTokenizer.forEachWord(of: text) { model.encode(text.bytes($0), into: &ids) }
    }
  }

  /// Composes, folds white space, and makes letters small one by one, whatever stands around them.
  private static func normalize(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    var followsSpace = false
    for scalar in canonicallyComposed(scalars) {
      let isSpace = ScalarClass(scalar) == .whitespace
      if isSpace {
        if !followsSpace { result.append(" ") }
      } else {
        result += scalar.properties.lowercaseMapping.unicodeScalars
      }
      followsSpace = isSpace
    }
    return result
  }
}
