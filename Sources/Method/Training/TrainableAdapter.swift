public import Compute
internal import Elements

/// The factors of one module that a run trains, in float32.
public struct TrainableModule: Sendable, Equatable {
  /// The module's path, such as `transformer_blocks.0.attn.to_q`.
  public let name: String
  /// A, `[rank, inFeatures]`.
  public var down: Tensor
  /// B, `[outFeatures, rank]`.
  public var up: Tensor

  /// A module of these factors.
  public init(name: String, down: Tensor, up: Tensor) {
    precondition(down.rows == up.columns, "both factors must have the same rank")
    self.name = name
    self.down = down
    self.up = up
  }
}

/// An adapter while it is trained: unbaked float32 factors and the scale they are trained at.
public struct TrainableAdapter: Sendable, Equatable {
  /// In the order of the model.
  public var modules: [TrainableModule]
  /// alpha / rank.
  public let scale: Float

  /// An adapter of these factors.
  public init(modules: [TrainableModule], scale: Float) {
    self.modules = modules
    self.scale = scale
  }

  /// A new adapter: A is drawn from a normal distribution of standard deviation 1 / rank, B is zero,
  /// so that the adapted model starts as the base.
  ///
  /// Source: huggingface/peft, `tuners/lora/layer.py`, `reset_lora_parameters` with `gaussian`.
  ///
  /// - Parameters:
  ///   - targets: the layers to adapt; the place in the list is part of what A is drawn from.
  ///   - rank: of every module.
  ///   - alpha: numerator of the scale.
  ///   - seed: of the run.
  public init(targets: [LinearLayer], rank: Int, alpha: Double, seed: UInt64) {
    let modules = targets.enumerated().map { index, layer in
      let stream = RandomStream(
        seed: seed, purpose: .adapterInitialisation, step: UInt32(truncatingIfNeeded: index))
      let count = rank * layer.weight.columns
      let deviation = 1 / Float(rank)
      return TrainableModule(
        name: layer.name,
        down: Tensor(
          shape: [rank, layer.weight.columns],
          stream.normals(count: count).map { $0 * deviation }),
        up: Tensor(shape: [layer.weight.rows, rank], repeating: 0))
    }
    self.init(modules: modules, scale: Float(alpha / Double(rank)))
  }

  /// Number of trained values.
  public var parameterCount: Int { modules.reduce(0) { $0 + $1.down.count + $1.up.count } }

  /// The adapter as a tape takes it, with gradients wanted.
  public var attached: AttachedAdapters {
    Dictionary(
      uniqueKeysWithValues: modules.map { module in
        let factors = LowRankFactors(
          down: module.down, up: module.up, scale: scale, isTrainable: true)
        return (module.name, [factors])
      })
  }
}
