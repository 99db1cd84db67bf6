internal import Checkpoints
internal import GGUF

/// Which type of GGUF every tensor gets.
struct GGUFChoice {
  init(preset: String, architecture: String) throws(ConversionError) {
  }
  func fileType(_ input: CheckpointInput) -> Int { 0 }
  func type(of tensor: LogicalTensor) -> GGUFType { .f32 }
}
