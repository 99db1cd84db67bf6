public import SystemPackage

/// The tokenizer of Qwen2 and Qwen2.5-VL: byte-level byte-pair encoding that loses nothing but the
/// difference between composed and decomposed letters.
///
/// A text is framed by nothing: the chat template that goes around a prompt is text with special
/// tokens such as `<|im_start|>` written in it.
///
/// **Source:** huggingface/transformers, `models/qwen2/tokenization_qwen2.py`, `Qwen2Tokenizer`.
public struct Qwen2Tokenizer: Tokenizer {
  /// The configuration's `model_max_length`; nil when it sets no bound.
  public let modelMaximumLength: Int?
  /// The id of the configured `pad_token`; `<|endoftext|>` without one.
  public let paddingID: Int32
  /// One more than the largest id.
  public let idBound: Int
  /// Nothing comes before a text.
  public let leadingIDs: [Int32] = []
  /// Nothing comes after a text.
  public let trailingIDs: [Int32] = []
  private let addedTokens: AddedTokenMatcher
  private let model: BytePairModel

  /// Reads the tokenizer in a folder: `vocab.json` and `merges.txt`, or `tokenizer.json`; and
  /// `tokenizer_config.json` and `added_tokens.json` if they are there.
  public init(folder path: FilePath) throws(TokenizerError) {
    let folder = try TokenizerFolder(path)
    let files = try BytePairFiles(folder)
    let padding = try folder.token("pad_token")?.content ?? "<|endoftext|>"
    let tokens = try folder.addedTokens(
      vocabulary: files.vocabulary, serialized: files.serialized,
      defaults: [("pad_token", padding)])
    let ids = AddedTokenIDs(tokens, vocabulary: files.vocabulary)
    paddingID = try ids.id(of: padding)
    idBound = ids.bound
    modelMaximumLength = try folder.modelMaximumLength()
    model = try BytePairModel(
      vocabulary: files.vocabulary, mergeList: files.mergeList, endOfWord: "", unknownID: nil)
    addedTokens = AddedTokenMatcher(tokens, normalize: canonicallyComposed)
  }

  /// The ids of a text without its frame.
  public func textIDs(_ text: String) -> [Int32] {
    addedTokens.ids(of: text) { scalars, ids in
      let text = ClassifiedText(scalars)
      Qwen2Tokenizer.forEachWord(of: text) { model.encode(text.bytes($0), into: &ids) }
    }
  }
}
