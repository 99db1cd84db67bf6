/// Why a change is no LoRA exactly, in words.
public enum WhyNoLoRA: String, Sendable, CaseIterable {
  /// A matrix of a rank at which a LoRA has more numbers than the weight; closer ones have fewer.
  case isTooLarge = "as one it would be larger than the weight itself"
  /// A bias or a norm.
  case isNoMatrix = "it changes biases or norms"
  /// Lengths of a weight.
  case dependsOnBase = "what it adds depends on the base"
  /// Scales in place of the base's.
  case replacesNorms = "it replaces norms"
  /// Weights or biases in place of the base's.
  case replacesWeights = "it replaces weights"
}

extension WhyNoLoRA {
  /// What to do besides baking it; nil for nothing.
  var whatHelps: String? {
    self == .isTooLarge
      ? "glance-convert FILE --rank 64 --output LORA makes the closest plain LoRA" : nil
  }
}
