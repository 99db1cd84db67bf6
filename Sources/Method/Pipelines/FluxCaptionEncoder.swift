internal import DiffusionTransformers
internal import SystemPackage
internal import TextEncoders
internal import Tokenizers

/// Captions of FLUX.1: the pooled state of CLIP, and the states of T5 over a padded length.
///
/// Source: huggingface/diffusers, `pipeline_flux.py`, `_get_clip_prompt_embeds`,
/// `_get_t5_prompt_embeds`: no attention mask, so the padded length matters.
struct FluxCaptionEncoder: CaptionEncoder {
  let clipTokenizer: CLIPTokenizer
  /// Padded length of CLIP's ids.
  let clipTokens: Int
  let clip: CLIPTextEncoder
  let t5Tokenizer: T5Tokenizer
  let t5: T5Encoder
  /// Padded length of the T5 ids.
  let textTokens: Int

  func tokenCount(of caption: String) -> Int { textTokens }

  func encode(_ caption: String) throws -> EncodedCaption {
    let clipIDs = clipTokenizer.encode(caption, maximumLength: clipTokens, padding: true)
    let t5IDs = t5Tokenizer.encode(caption, maximumLength: textTokens, padding: true)
    var warnings: [String] = []
    if t5IDs.isTruncated {
      warnings.append(
        "the caption is cut: T5 takes \(textTokens) tokens, \(t5IDs.droppedCount) more are left "
          + "out; see --text-tokens")
    } else if clipIDs.isTruncated {
      warnings.append(
        "CLIP takes \(clipTokens) tokens and sees the caption without its last "
          + "\(clipIDs.droppedCount); T5 sees all of it")
    }
    return EncodedCaption(
      conditioning: Conditioning(text: try t5(t5IDs.ids), pooled: try clip(clipIDs.ids).pooled),
      warnings: warnings)
  }
}
