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
enum QwenImageCaptions {
  static let component = "text_encoder"

  /// Ids of a caption in its template.
  struct Tokenizer: CaptionTokenizer {
    private let tokenizer: Qwen2Tokenizer
    private let folder: FilePath
    private let template: (before: String, after: String)
    /// Tokens of the template before the caption.
    private let droppedCount: Int
    /// The most tokens after those.
    private let textTokens: Int

    init(_ tokenizer: Qwen2Tokenizer, folder: FilePath, template: String, textTokens: Int) {
      self.tokenizer = tokenizer
      self.folder = folder
      self.textTokens = textTokens
      let place = template.firstRange(of: "{}")
      precondition(place != nil, "the template must have a place for the caption")
      let range = place ?? template.endIndex..<template.endIndex
      self.template = (
        String(template[..<range.lowerBound]), String(template[range.upperBound...])
      )
      droppedCount = tokenizer.textIDs(self.template.before).count
    }

    func tokens(of caption: String) throws -> CaptionTokens {
      // The whole text at once, as the source does: a caption may join with what stands around it.
      let ids = tokenizer.textIDs(template.before + caption + template.after)
      let kept = ids.prefix(droppedCount + textTokens)
      guard kept.count > droppedCount else {
        throw TokenizerError.malformed(
          file: folder,
          detail: "the words around a caption are \(droppedCount) tokens, and with it "
            + "\(ids.count); is this Qwen-Image's tokenizer?")
      }
      let cut = ids.count - kept.count
      return CaptionTokens(
        ids: [.init(component: QwenImageCaptions.component, ids: Array(kept))],
        droppedCount: droppedCount,
        warnings: cut > 0
          ? [
            "the caption is cut: \(textTokens) tokens are taken, \(cut) more "
              + "are left out; see --text-tokens"
          ] : [])
    }
  }

  /// The encoder.
  struct Encoder: StatesEncoder {
    let encoder: Qwen25TextEncoder

    func states(of tokens: CaptionTokens) throws -> Conditioning {
      let states = try encoder(tokens.ids(for: QwenImageCaptions.component))
      return Conditioning(text: states.rows(tokens.droppedCount..<states.rows))
    }
  }
}
