internal import Compute
internal import DiffusionTransformers
internal import JSON
internal import Schedules
public import TorchCompute
internal import Training

/// A step of training an adapter: forwards, backwards and the optimiser, against the time that its products
/// alone would take; on a device of PyTorch's, against PyTorch's own step there.
public struct StepBenchmark: Benchmark {
  private let model: BenchmarkModel
  private let sizes: PassSizes
  private let rank: Int
  private let products: [TimedProducts]
  private let rivals: PythonRivals?
  private let device: TorchOpening?

  /// A benchmark.
  ///
  /// - Parameters:
  ///   - model: what the adapter is for.
  ///   - sizes: of pictures and caption.
  ///   - rank: of the adapter.
  ///   - products: how products with weights and in attention are computed; on a device their precision counts.
  ///   - rivals: PyTorch, to be timed too, with made-up weights of its own.
  ///   - device: where passes are computed; nil: on the host.
  public init(
    model: BenchmarkModel, sizes: PassSizes, rank: Int, products: [TimedProducts],
    rivals: PythonRivals? = nil, device: TorchOpening? = nil
  ) {
    self.rivals = rivals
    self.device = device
    self.model = model
    self.sizes = sizes
    self.rank = rank
    self.products = products
  }

  /// Every size of picture in all settings.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let numbers = MadeUpNumbers()
    return try sizes.imageTokenCounts.flatMap { tokens in
      let limit = device == nil ? ProductLimit(rows: tokens + sizes.textTokens, numbers) : nil
      return try products.map { products in
        try tell("step, \(model.name), \(sizes.name(tokens)), \(products.name)")
        // What runs are told by, as with a command's --precision.
        ProductSettings.shared = products.settings
        try device?.open(products.settings.precision).use()
        return try comparison(
          tokens, products, limit?.contender(products), stopwatch, numbers)
      }
    }
  }

  private func comparison(
    _ tokens: Int, _ products: TimedProducts, _ limit: Contender?, _ stopwatch: Stopwatch,
    _ numbers: MadeUpNumbers
  ) throws -> Comparison {
    let grid = TokenGrid(count: tokens)
    // Every step visits another timestep, so that every one makes the vectors that modulate blocks.
    let schedule = try ScheduleRequest(.init(parsing: "teacher:50")).schedule(
      configuration: model.scheduler, tokens: tokens)
    var settings = TrainingSettings()
    settings.rank = rank
    func forecast() -> StepForecast {
      StepForecast(
        model: model.transformer, targets: model.targets, settings: settings, grid: grid,
        textTokens: sizes.textTokens, samples: 1, entries: schedule.entries.count)
    }
    let (engine, layers) = (TransformerEngine.current, model.transformer.passLayers)
    if let free = engine.freeByteCount(beside: layers), forecast().byteCount > free {
      settings.recomputedBlockCount = model.transformer.blockCount
    }
    let planned = forecast()
    try engine.admit(layers, beside: planned.byteCount)
    let sample = TrainingSample(
      name: "made up",
      mean: numbers.tensor([model.transformer.tokenChannels / 4, 2 * grid.rows, 2 * grid.columns]),
      deviation: nil, conditioning: model.conditioning(textTokens: sizes.textTokens, numbers))
    var made: TrainingRun?
    let growth = try AnonymousMemory.growth {
      let run = try TrainingRun(
        model: model.transformer, targets: model.targets,
        material: TrainingMaterial(samples: [sample]),
        schedule: schedule, phase: schedule.phases[0], configuration: model.scheduler,
        settings: settings, identity: [:])
      _ = try run.takeStep()
      made = run
    }
    let step = Contender(
      name: "step, \(products.name)", operations: planned.work.operations
    ) {
      _ = try made?.takeStep()
    }
    let theirs = try rivals(products.settings.precision, grid, operations: planned.work.operations)
    let place = device.map { " on \($0.name)" } ?? ""
    return Comparison(
      "step of \(model.name), rank \(rank)\(place)", sizes.name(tokens),
      // Where a device computes, the processor's seconds tell nothing.
      basis: device == nil ? .rate : .wall,
      try stopwatch.time([step] + theirs + [limit].compactMap(\.self), isWarm: true),
      memory: .init(anonymous: growth, planned: planned.byteCount))
  }

  /// PyTorch's steps, with activations kept and with every block computed again; both have taken one.
  private func rivals(
    _ precision: ProductPrecision, _ grid: TokenGrid, operations: Double
  ) throws -> [Contender] {
    try [false, true].flatMap { isCheckpointing in
      try rivals.contenders(
        [precision], isCheckpointing ? ", checkpointing" : "", operations: operations, "step",
        [
          "configuration": .object(model.configuration),
          "targets": .array(model.targets.map { .string($0.name) }), "rank": .integer(Int64(rank)),
          "rows": .integer(Int64(grid.rows)), "columns": .integer(Int64(grid.columns)),
          "text_tokens": .integer(Int64(sizes.textTokens)),
          "checkpointing": .bool(isCheckpointing),
          "device": .string(device?.torchName ?? "cpu"),
        ])
    }
  }
}
