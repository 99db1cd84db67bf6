internal import Autoencoders
internal import Compute
internal import JSON
internal import Pipelines
public import SystemPackage

/// A picture's way out of the autoencoder, against PyTorch's and the time that its products alone would take.
public struct DecodingBenchmark: Benchmark {
  private let folder: FilePath
  private let name: String
  private let autoencoder: any Autoencoder
  private let sides: [Int]
  private let rivals: PythonRivals?

  /// A benchmark of a model's autoencoder.
  ///
  /// - Parameters:
  ///   - folder: the model.
  ///   - sides: pixels of square pictures' sides.
  ///   - rivals: PyTorch, to be timed too, with the same weights.
  /// - Throws: what is wrong with the model's files.
  public init(opening folder: FilePath, sides: [Int], rivals: PythonRivals? = nil) throws {
    self.folder = folder
    self.rivals = rivals
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
      // Each has run once.
      let theirs = try rivals.contendersInBothFormats(
        ProductPrecision.allCases, operations: forecast.work.operations, "decoding",
        [
          "folder": .string(folder.string),
          "latent": .array([1] + latent.shape.map { .integer(Int64($0)) }),
        ])
      let growth = try AnonymousMemory.growth { _ = try autoencoder.decode(latent) }
      return Comparison(
        "decoding of \(name)", "\(side)x\(side)", basis: .rate,
        try stopwatch.time(
          [decoding] + theirs + [limit.contender(TimedProducts(ProductSettings()))], isWarm: true),
        memory: .init(anonymous: growth, planned: forecast.byteCount))
    }
  }
}
