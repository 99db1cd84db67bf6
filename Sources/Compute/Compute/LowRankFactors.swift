/// The factors of an adapter on one linear layer: y += scale · (x · downᵀ) · upᵀ.
///
/// Source: Hu et al., "LoRA: Low-rank adaptation of large language models" (arXiv 2106.09685).
public struct LowRankFactors: Sendable {
  /// A, `[rank, inFeatures]`.
  public var down: Tensor
  /// B, `[outFeatures, rank]`.
  public var up: Tensor
  /// alpha / rank, times the strength at which the adapter is used.
  public var scale: Float
  /// Whether gradients of the factors are wanted.
  public var isTrainable: Bool

  /// Factors with agreeing ranks.
  public init(down: Tensor, up: Tensor, scale: Float, isTrainable: Bool = false) {
    precondition(down.rows == up.columns, "both factors must have the same rank")
    self.down = down
    self.up = up
    self.scale = scale
    self.isTrainable = isTrainable
  }
}

/// Adapters by the name of the linear layer they act on; at most one of a layer is trainable.
public typealias AttachedAdapters = [String: [LowRankFactors]]

/// Gradients of the factors of one layer.
public struct FactorGradients: Sendable {
  /// dA, `[rank, inFeatures]`.
  public var down: Tensor
  /// dB, `[outFeatures, rank]`.
  public var up: Tensor

  /// The gradients of a layer's factors.
  public init(down: Tensor, up: Tensor) {
    self.down = down
    self.up = up
  }

  /// The same in this machine's memory.
  package func onHost() -> FactorGradients {
    FactorGradients(down: down.onHost(), up: up.onHost())
  }
}

/// Where the tapes of one computation sum up the gradients of factors.
package final class FactorGradientStore {
  private(set) var byLayer: [String: FactorGradients] = [:]

  /// No gradients yet.
  package init() {}

  func add(_ gradients: FactorGradients, to layer: String, _ engine: any Engine) {
    guard var sum = byLayer.removeValue(forKey: layer) else {
      byLayer[layer] = gradients
      return
    }
    engine.add(gradients.down, times: 1, to: &sum.down)
    engine.add(gradients.up, times: 1, to: &sum.up)
    byLayer[layer] = sum
  }
}
