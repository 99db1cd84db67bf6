internal import Autoencoders
internal import Compute
internal import Pipelines
public import SystemPackage

/// A picture's way out of the autoencoder, against the time that its products alone would take.
public struct DecodingBenchmark: Benchmark {
  private let name: String
  private let autoencoder: any Autoencoder
  private let sides: [Int]

  /// A benchmark of a model's autoencoder.
  ///
  /// - Parameters:
  ///   - folder: the model.
  ///   - sides: pixels of square pictures' sides.
  /// - Throws: what is wrong with the model's files.
  public init(opening folder: FilePath, sides: [Int]) throws {
    name = folder.lastComponent?.string ?? folder.string
    autoencoder = try DiffusionPipeline(opening: folder).openAutoencoder()
    self.sides = sides
  }

  /// Every size of picture.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let numbers = MadeUpNumbers()
    let limit = ProductLimit(rows: 768, numbers)
    return try sides.map { side in
      try tell("decoding, \(name), \(side)x\(side)")
      let cells = side / autoencoder.cellSize
      let latent = numbers.tensor([autoencoder.latentChannels, cells, cells])
      let forecast = autoencoder.decodingForecast(height: side, width: side)
      let decoding = Contender(name: "decoding", operations: forecast.work.operations) {
        _ = try autoencoder.decode(latent)
      }
      let growth = try AnonymousMemory.growth { _ = try autoencoder.decode(latent) }
      return Comparison(
        "decoding of \(name)", "\(side)x\(side)", basis: .rate,
        try stopwatch.time([decoding, limit.contender(.float32)], isWarm: true),
        memory: .init(anonymous: growth, planned: forecast.byteCount))
    }
  }
}
