public import Compute
internal import Concurrency

/// What a forward pass takes, found by running it on shapes alone.
public struct PassForecast: Sendable {
  /// Bytes of tensors and buffers at the peak; weights, which stay mapped, and adapters are not in it.
  public let byteCount: Int
  /// Arithmetic of the pass.
  public let work: Work

  /// Forecasts a pass without gradients.
  ///
  /// - Parameters:
  ///   - model: the transformer.
  ///   - adapters: what acts on its layers.
  ///   - grid: of the picture's tokens.
  ///   - textTokens: of a caption.
  public init(
    model: any DiffusionTransformer, adapters: AttachedAdapters, grid: TokenGrid, textTokens: Int
  ) {
    let ledger = WorkLedger()
    let engine = PlanningEngine(ledger)
    let tape = Tape(
      mode: .inference, engine: engine, adapters: adapters, factorGradients: FactorGradientStore())
    let kept = ModulationCache(capacity: 1)
    _ = model.velocity(
      tape, planning: engine, grid: grid, textTokens: textTokens, guidance: 1,
      options: ForwardOptions(modulations: kept))
    byteCount = ledger.peakByteCount + ledger.scratchByteCount(threads: Parallel.threadCount)
    work = ledger.work
  }
}

extension DiffusionTransformer {
  /// A pass on shapes alone.
  package func velocity(
    _ tape: Tape, planning engine: PlanningEngine, grid: TokenGrid, textTokens: Int,
    guidance: Float, options: ForwardOptions
  ) -> Variable {
    velocity(
      tape, latent: engine.placeholder([grid.count, tokenChannels]), grid: grid,
      conditioning: Conditioning(
        text: engine.placeholder([textTokens, textChannels]),
        pooled: pooledChannels.map { Tensor(shape: [1, $0], repeating: 0) }),
      sigma: 1, guidance: guidance, options: options)
  }
}
