internal import Compute
internal import DiffusionTransformers
internal import SystemPackage
internal import TextEncoders
internal import Tokenizers

/// Captions of Qwen-Image: states of Qwen2.5-VL over the caption inside a template, without those
/// of the template's beginning.
///
/// Source: huggingface/diffusers, `pipeline_qwenimage.py`, `_get_qwen_prompt_embeds`. Captions are
/// encoded one by one and unpadded, which changes nothing: attention is causal.
struct QwenImageCaptionEncoder: CaptionEncoder {
  private let tokenizer: Qwen2Tokenizer
  private let tokenizerFolder: FilePath
  private let encoder: Qwen25TextEncoder
  private let template: (before: String, after: String)
  /// Tokens of the template before the caption.
  private let droppedCount: Int
  /// The most tokens after those.
  private let textTokens: Int

  init(
    tokenizer: Qwen2Tokenizer, tokenizerFolder: FilePath, encoder: Qwen25TextEncoder,
    template: String, textTokens: Int
  ) {
    self.tokenizer = tokenizer
    self.tokenizerFolder = tokenizerFolder
    self.encoder = encoder
    self.textTokens = textTokens
    let place = template.firstRange(of: "{}")
    precondition(place != nil, "the template must have a place for the caption")
    let range = place ?? template.endIndex..<template.endIndex
    self.template = (
      String(template[..<range.lowerBound]), String(template[range.upperBound...])
    )
    droppedCount = tokenizer.textIDs(self.template.before).count
  }

  func tokenCount(of caption: String) throws -> Int { try ids(caption).kept.count - droppedCount }

  func encode(_ caption: String) throws -> EncodedCaption {
    let (kept, all) = try ids(caption)
    let states = try encoder(kept)
    return EncodedCaption(
      conditioning: Conditioning(text: states.rows(droppedCount..<states.rows)),
      warnings: kept.count < all
        ? [
          "the caption is cut: \(textTokens) tokens are taken, \(all - kept.count) more "
            + "are left out; see --text-tokens"
        ] : [])
  }

  /// The ids that are encoded, and how many there would be.
  private func ids(_ caption: String) throws -> (kept: [Int32], all: Int) {
    // The whole text at once, as the source does: a caption may join with what stands around it.
    let ids = tokenizer.textIDs(template.before + caption + template.after)
    let kept = ids.prefix(droppedCount + textTokens)
    guard kept.count > droppedCount else {
      throw TokenizerError.malformed(
        file: tokenizerFolder,
        detail: "the words around a caption are \(droppedCount) tokens, and with it "
          + "\(ids.count); is this Qwen-Image's tokenizer?")
    }
    return (Array(kept), ids.count)
  }
}
