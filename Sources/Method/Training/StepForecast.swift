public import Compute
internal import Concurrency
public import DiffusionTransformers

/// What a step of training takes, found by running it on shapes alone.
public struct StepForecast: Sendable {
  /// Bytes of activations, gradients, factors, their moments and buffers at the step's peak. Weights are not
  /// in it: they stay mapped, and the system takes their pages away when it needs them.
  public let byteCount: Int
  /// Arithmetic of the step.
  public let work: Work

  /// Arithmetic, by what bounds its speed.
  public struct Work: Sendable {
    /// Floating-point operations of matrix products.
    public var productOperations = 0.0
    /// Floating-point operations of attention.
    public var attentionOperations = 0.0
    /// Bytes that operations write.
    public var writtenBytes = 0.0

    /// Floating-point operations of all.
    public var operations: Double { productOperations + attentionOperations }

    /// Seconds that it takes on this machine, from a trial of its speed; without reading weights from disk.
    ///
    /// - Parameter tokens: of a caption and its picture.
    public func seconds(tokens: Int) -> Double {
      let speed = MachineSpeed(trying: HostEngine(), tokens: tokens, headChannels: 128)
      return productOperations / speed.products + attentionOperations / speed.attention
        + writtenBytes / speed.writing
    }
  }

  /// Forecasts the steps of a run.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - targets: the layers to adapt.
  ///   - settings: how to train.
  ///   - grid: of the picture's tokens.
  ///   - textTokens: of a caption.
  ///   - samples: how many there are.
  ///   - entries: timesteps of the phase.
  public init(
    model: any DiffusionTransformer, targets: [LinearLayer], settings: TrainingSettings,
    grid: TokenGrid, textTokens: Int, samples: Int, entries: Int
  ) {
    let ledger = WorkLedger()
    let engine = PlanningEngine(ledger)
    let factors = targets.map { layer in
      let factors = LowRankFactors(
        down: engine.placeholder([settings.rank, layer.weight.columns]),
        up: engine.placeholder([layer.weight.rows, settings.rank]), scale: 1, isTrainable: true)
      return (layer.name, [factors])
    }
    let parameterBytes = ledger.peakByteCount
    let kept = ModulationCache(capacity: 1)
    let tape = Tape(
      mode: .recording, engine: engine, adapters: Dictionary(uniqueKeysWithValues: factors),
      factorGradients: FactorGradientStore())
    let latent = engine.placeholder([grid.count, model.tokenChannels])
    let velocity = model.velocity(
      tape, latent: latent, grid: grid,
      conditioning: Conditioning(
        text: engine.placeholder([textTokens, model.textChannels]),
        pooled: model.pooledChannels.map { Tensor(shape: [1, $0], repeating: 0) }),
      sigma: 1, guidance: Float(settings.guidance),
      options: ForwardOptions(
        recomputedBlockCount: settings.recomputedBlockCount, modulations: kept))
    tape.differentiate(tape.meanSquaredError(velocity, target: latent))

    let otherModulations =
      kept.byteCount
      * (TrainingRun.keptConditioningCount(samples: samples, entries: entries, settings) - 1)
    // The moments, and where a step has several items the sum of the gradients before.
    let beside = parameterBytes * (settings.batch > 1 ? 3 : 2) + otherModulations
    // Values and moments are copied to be saved, when nothing but they and the gradients are left.
    let saving = 7 * parameterBytes + otherModulations
    byteCount =
      max(beside + ledger.peakByteCount, saving)
      + ledger.scratchByteCount(threads: Parallel.threadCount)
    let batch = Double(settings.batch)
    work = Work(
      productOperations: batch * ledger.productOperations,
      attentionOperations: batch * ledger.attentionOperations,
      writtenBytes: batch * ledger.writtenBytes)
  }
}
