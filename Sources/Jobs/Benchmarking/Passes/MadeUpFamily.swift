internal import DiffusionTransformers
internal import ModelLoading

/// A family whose transformers can be made up.
public enum MadeUpFamily: String, Sendable, CaseIterable {
  /// FLUX.1 dev.
  case flux1
  /// Qwen-Image.
  case qwenImage = "qwen-image"

  /// Blocks of each kind, where nobody says how many: about a gigabyte of weights.
  public var blocks: [Int] {
    switch self {
    case .flux1: [1, 2]
    case .qwenImage: [2]
    }
  }

  /// The variant, as `formats/` names it.
  var variant: String {
    switch self {
    case .flux1: "dev"
    case .qwenImage: "image"
    }
  }

  func transformer(
    _ configuration: ModelConfiguration, _ weights: WeightLoader
  ) throws(ModelError) -> any DiffusionTransformer {
    switch self {
    case .flux1: try FluxTransformer(configuration: configuration, weights: weights)
    case .qwenImage: try QwenImageTransformer(configuration: configuration, weights: weights)
    }
  }
}
