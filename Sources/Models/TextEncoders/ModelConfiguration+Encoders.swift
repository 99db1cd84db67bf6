internal import Compute
internal import ModelLoading

extension ModelConfiguration {
  /// Channels of a head of an attention over tokens of this width.
  func headChannels(width: Int, heads: Int) throws(ModelError) -> Int {
    guard width % heads == 0 else {
      throw .configuration(
        file: file, key: "num_attention_heads", expected: "a divisor of the width \(width)",
        found: "\(heads)")
    }
    return width / heads
  }

  /// The activation that a key names.
  func activation(_ key: String, default fallback: String) throws(ModelError) -> Activation {
    let name = try string(key, default: fallback)
    switch name {
    case "quick_gelu": return .quickGELU
    case "gelu": return .gelu
    case "gelu_new", "gelu_pytorch_tanh": return .geluTanh
    case "silu", "swish": return .silu
    default:
      throw .configuration(
        file: file, key: key, expected: "quick_gelu, gelu, gelu_new or silu", found: "'\(name)'")
    }
  }
}
