public import Compute
internal import Concurrency
public import DiffusionTransformers
internal import Sampling

/// What a step of training takes, found by running it on shapes alone.
public struct StepForecast: Sendable {
  /// Bytes of activations, gradients, factors, their moments and buffers at the step's peak. Weights are not
  /// in it: they stay mapped, and the system takes their pages away when it needs them.
  public let byteCount: Int
  /// Arithmetic of the step.
  public let work: Work
  /// What activations that are kept for the backward pass are rounded to.
  public let keptPrecision: ProductPrecision
  /// Tokens of the picture and the longest caption.
  private let tokens: Int

  /// Forecasts the steps of a run.
  ///
  /// - Parameters:
  ///   - model: the frozen base.
  ///   - targets: the layers to adapt.
  ///   - settings: how to train.
  ///   - grid: of the picture's tokens.
  ///   - textTokens: of a caption.
  ///   - samples: how many there are.
  ///   - entries: timesteps of the schedule.
  ///   - otherExperts: how many others are trained at once, a step of each in turn.
  public init(
    model: any DiffusionTransformer, targets: [LinearLayer], settings: TrainingSettings,
    grid: TokenGrid, textTokens: Int, samples: Int, entries: Int, otherExperts: Int = 0
  ) {
    let ledger = WorkLedger()
    let host = HostEngine()
    let engine = PlanningEngine(ledger, for: host)
    let factors = targets.map { layer in
      let factors = LowRankFactors(
        down: engine.placeholder([settings.rank, layer.weight.columns]),
        up: engine.placeholder([layer.weight.rows, settings.rank]), scale: 1, isTrainable: true)
      return (layer.name, [factors])
    }
    let parameterBytes = ledger.peakByteCount
    let kept = ModulationCache(capacity: 1)
    let prompt = model.plannedConditioning(engine, textTokens: textTokens)
    let passes = TrainingPasses(model, settings, negative: prompt, modulations: kept)
    let latent = engine.placeholder([grid.count, model.tokenChannels])
    func tape(_ mode: Tape.Mode, _ adapters: AttachedAdapters) -> Tape {
      Tape(
        mode: mode, engine: engine, adapters: adapters, factorGradients: FactorGradientStore())
    }
    for _ in 0..<settings.objective.teacherEvaluations {
      _ = passes.teacher(prompt)(tape(.inference, [:]), at: latent, grid: grid, sigma: 1)
    }
    let student = tape(.recording, Dictionary(uniqueKeysWithValues: factors))
    let velocity = passes.student(prompt)(student, at: latent, grid: grid, sigma: 1)
    let target = engine.placeholder(velocity.tensor.shape)
    student.differentiate(student.meanSquaredError(velocity, target: target))

    let otherModulations =
      kept.byteCount
      * (ItemGradients.keptConditioningCount(
        model, samples: samples, entries: entries, settings) - 1)
    let captions =
      samples - 1 + (settings.captionDropout > 0 ? 1 : 0) + (settings.isTeacherGuided ? 1 : 0)
    let latents = settings.objective.trajectories.map { $0 * (entries + 1) } ?? 1
    let otherSamples =
      MemoryLayout<Float>.stride
      * (captions * textTokens * model.textChannels
        + samples * latents * grid.count * model.tokenChannels)
    // The moments, and where a step has several items the sums of gradients that wait for others.
    let sums = PairwiseSum<Tensor>.heldCount(of: settings.batch)
    let beside =
      parameterBytes * (2 + sums + 3 * otherExperts) + otherModulations + otherSamples
    byteCount =
      beside + ledger.peakByteCount + ledger.scratchByteCount(threads: Parallel.threadCount)
    work = ledger.work.times(settings.batch)
    keptPrecision = host.products.precision
    tokens = grid.count + textTokens
  }

  /// Seconds of the step on this machine, from a trial of its speed; without reading weights from disk.
  public func seconds() -> Double {
    work.seconds(tokens: tokens, on: TransformerEngine.current)
  }
}
