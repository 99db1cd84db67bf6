internal import Checkpoints
internal import Tensors
internal import Text

/// Finds the modules of text encoders that a path of an adapter means.
///
/// Source: kohya-ss/sd-scripts, `networks/lora_flux.py` (names of CLIP and T5); Comfy-Org/ComfyUI,
/// `comfy/lora.py`, `model_lora_keys_clip` (its own names, and OneTrainer's number of T5);
/// huggingface/transformers 5, `models/clip/modeling_clip.py` (no `text_model` above the encoder).
struct TextEncoderNames: Sendable {
  static let shared = TextEncoderNames()

  /// What a path means.
  struct Meaning: Sendable {
    let family: String
    /// The path that transformers gives the module.
    let path: String
    let kind: ModuleTemplate.Kind
  }

  private let modules:
    [(encoder: AdapterDialects.TextEncoder, path: PathTemplate, kind: ModuleTemplate.Kind)]
  private let index: TensorIndex
  /// Positions in ``modules`` of every indexed text.
  private let positions: [Int]

  private init() {
    modules = AdapterDialects.shared.textEncoders.flatMap { encoder in
      encoder.modules.map { (encoder, $0.path, $0.kind) }
    }
    var texts: [String] = []
    var positions: [Int] = []
    for (position, module) in modules.enumerated() {
      let path = module.path.text
      let others = module.encoder.aliases.filter { path.utf8HasPrefix($0.canonical) }
        .map { $0.head + String(path.utf8.dropFirst($0.canonical.utf8.count)) }
      for path in [path] + others {
        texts += [path, String(path.map { $0 == "." ? "_" : $0 })]
        positions += [position, position]
      }
    }
    index = TensorIndex(texts)
    self.positions = positions
  }

  /// What a path means as part of a component, dotted or underscored; nil when that has no such
  /// module.
  func meaning(of path: String, component: String) -> Meaning? {
    for (text, block) in path.templates {
      guard let found = index[text] else { continue }
      let module = modules[positions[found]]
      guard module.encoder.component == component else { continue }
      return Meaning(
        family: module.encoder.family, path: module.path.path(block: block), kind: module.kind)
    }
    return nil
  }
}
