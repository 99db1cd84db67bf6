internal import DiffusionTransformers
internal import SystemPackage
internal import TextEncoders
internal import Tokenizers

/// Captions of FLUX.1: the pooled state of CLIP, and the states of T5 over a padded length.
///
/// Source: huggingface/diffusers, `pipeline_flux.py`, `_get_clip_prompt_embeds`,
/// `_get_t5_prompt_embeds`: no attention mask, so the padded length matters.
enum FluxCaptions {
  static let clip = "text_encoder"
  static let t5 = "text_encoder_2"

  /// Ids of both encoders.
  struct Tokenizer: CaptionTokenizer {
    let clip: CLIPTokenizer
    /// Padded length of CLIP's ids.
    let clipTokens: Int
    let t5: T5Tokenizer
    /// Padded length of the T5 ids.
    let textTokens: Int

    func tokens(of caption: String) throws -> CaptionTokens {
      let clipIDs = clip.encode(caption, maximumLength: clipTokens, padding: true)
      let t5IDs = t5.encode(caption, maximumLength: textTokens, padding: true)
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
      return CaptionTokens(
        ids: [
          .init(component: FluxCaptions.clip, ids: clipIDs.ids),
          .init(component: FluxCaptions.t5, ids: t5IDs.ids),
        ], warnings: warnings)
    }
  }

  /// Both encoders.
  struct Encoder: StatesEncoder {
    let clip: CLIPTextEncoder
    let t5: T5Encoder

    func states(of tokens: CaptionTokens) throws -> Conditioning {
      Conditioning(
        text: try t5(tokens.ids(for: FluxCaptions.t5)),
        pooled: try clip(tokens.ids(for: FluxCaptions.clip)).pooled)
    }
  }
}
