/// The format that keeps the tensors of a checkpoint.
public enum Container: Sendable, Equatable {
  /// safetensors, one file or shards.
  case safetensors
  /// llama.cpp's and stable-diffusion.cpp's GGUF.
  case gguf
  /// A safetensors file inside a zstd frame.
  case zstd
  /// safetensors whose tensors are compressed one by one; see formats/compressed.md.
  case compressed
  /// The same, as the difference to another checkpoint.
  case delta
  /// A difference that takes a merge back.
  case undo(of: String)

  /// What people and programs read.
  public var name: String {
    switch self {
    case .safetensors: "safetensors"
    case .gguf: "gguf"
    case .zstd: "zstd"
    case .compressed: "compressed safetensors"
    case .delta: "delta"
    case .undo(let merged): "undo file of \(merged)"
    }
  }
}
