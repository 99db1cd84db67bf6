public import Compute
internal import Concurrency

/// What a forward pass takes, found by running it on shapes alone.
public struct PassForecast: Sendable {
  /// Bytes of tensors and buffers at the peak; weights, which stay mapped, and adapters are not in it.
  public let byteCount: Int
  /// Arithmetic of the pass.
  public let work: Work
  /// Tokens of the picture and the caption.
  private let tokens: Int

  /// Forecasts a pass without gradients.
  ///
  /// - Parameters:
  ///   - model: the transformer.
  ///   - grid: of the picture's tokens.
  ///   - textTokens: of a caption.
  ///   - prompts: how many captions' states are held meanwhile.
  ///   - keptConditionings: the modulation of how many is kept.
  public init(
    model: any DiffusionTransformer, grid: TokenGrid, textTokens: Int, prompts: Int = 1,
    keptConditionings: Int = 1
  ) {
    let ledger = WorkLedger()
    let engine = PlanningEngine(ledger)
    let tape = Tape(
      mode: .inference, engine: engine, adapters: [:], factorGradients: FactorGradientStore())
    let kept = ModulationCache(capacity: 1)
    _ = model.velocity(
      tape, latent: engine.placeholder([grid.count, model.tokenChannels]), grid: grid,
      conditioning: model.plannedConditioning(engine, textTokens: textTokens), sigma: 1,
      guidance: 1,
      options: ForwardOptions(modulations: kept))
    let otherStates = (prompts - 1) * textTokens * model.textChannels * MemoryLayout<Float>.stride
    byteCount =
      ledger.peakByteCount + otherStates + (keptConditionings - 1) * kept.byteCount
      + ledger.scratchByteCount(threads: Parallel.threadCount)
    work = ledger.work
    tokens = grid.count + textTokens
  }

  /// Seconds of the pass on this machine, from a trial of its speed; without reading weights from disk.
  public func seconds() -> Double {
    work.seconds(tokens: tokens, on: TransformerEngine.current)
  }
}

extension DiffusionTransformer {
  /// States of a caption for a run on shapes alone.
  package func plannedConditioning(
    _ engine: PlanningEngine, textTokens: Int
  ) -> Conditioning {
    Conditioning(
      text: engine.placeholder([textTokens, textChannels]),
      pooled: pooledChannels.map { Tensor(shape: [1, $0], repeating: 0) })
  }
}
