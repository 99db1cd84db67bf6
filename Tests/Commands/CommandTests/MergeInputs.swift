import SystemPackage
import TestSupport

/// What the tests of glance-merge merge: paths as they are typed.
enum MergeInputs {
  /// A transformer of FLUX.1's architecture in one file.
  static let base = Fixtures.model("tiny-flux").appending("transformer")
    .appending("diffusion_pytorch_model.safetensors").string
  /// An adapter for it.
  static let adapter = Goldens.folder("flux").appending("adapter.safetensors").string
  /// An adapter for Qwen-Image.
  static let other = Goldens.folder("qwen").appending("adapter.safetensors").string
}
