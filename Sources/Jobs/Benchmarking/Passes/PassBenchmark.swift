internal import Compute
internal import DiffusionTransformers

/// A forward pass, as drawing takes it for every step, against the time that its products alone would take.
public struct PassBenchmark: Benchmark {
  private let model: BenchmarkModel
  private let sizes: PassSizes
  private let products: [TimedProducts]

  /// A benchmark.
  ///
  /// - Parameters:
  ///   - model: what predicts.
  ///   - sizes: of pictures and caption.
  ///   - products: how products with weights and in attention are computed.
  public init(model: BenchmarkModel, sizes: PassSizes, products: [TimedProducts]) {
    self.model = model
    self.sizes = sizes
    self.products = products
  }

  /// Every size of picture in all settings.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let numbers = MadeUpNumbers()
    let conditioning = model.conditioning(textTokens: sizes.textTokens, numbers)
    let model = model.transformer
    return try sizes.imageTokenCounts.flatMap { tokens in
      let grid = TokenGrid(count: tokens)
      let latent = numbers.tensor([tokens, model.tokenChannels])
      let limit = ProductLimit(rows: tokens + sizes.textTokens, numbers)
      return try products.map { products in
        try tell("pass, \(self.model.name), \(sizes.name(tokens)), \(products.name)")
        let forecast = ProductSettings.with(products.settings) {
          PassForecast(model: model, grid: grid, textTokens: sizes.textTokens)
        }
        let run = {
          let tape = Tape(
            mode: .inference, engine: HostEngine(products: products.settings), adapters: [:],
            factorGradients: FactorGradientStore())
          _ = model.velocity(
            tape, latent: latent, grid: grid, conditioning: conditioning, sigma: 0.5, guidance: 3.5,
            options: ForwardOptions())
        }
        let growth = AnonymousMemory.growth(of: run)
        let pass = Contender(
          name: "pass, \(products.name)", operations: forecast.work.operations, run: run)
        return Comparison(
          "forward pass of \(self.model.name)", sizes.name(tokens), basis: .rate,
          try stopwatch.time([pass, limit.contender(products)], isWarm: true),
          memory: .init(anonymous: growth, planned: forecast.byteCount))
      }
    }
  }
}
