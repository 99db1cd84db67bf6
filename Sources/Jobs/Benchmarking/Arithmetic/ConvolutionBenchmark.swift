internal import Autoencoders
internal import Compute
internal import JSON
internal import Tensors

/// The autoencoder's convolutions of three by three pixels, against the rate of a float32 product.
public struct ConvolutionBenchmark: Benchmark {
  /// A square map.
  public struct Map: Sendable, CustomStringConvertible {
    /// Channels, before and after.
    public let channels: Int
    /// Pixels of a side.
    public let side: Int

    /// A map of this size.
    public init(channels: Int, side: Int) {
      self.channels = channels
      self.side = side
    }

    /// Those of a picture of 1024 pixels on its way out.
    public static let autoencoder = [
      Map(channels: 512, side: 128), Map(channels: 256, side: 512), Map(channels: 128, side: 1024),
    ]

    /// `512 channels, 128x128`.
    public var description: String { "\(channels) channels, \(side)x\(side)" }
  }

  private let maps: [Map]
  private let products: [TimedProducts]
  private let rivals: PythonRivals?

  /// A benchmark of convolutions of these maps.
  public init(
    maps: [Map], products: [TimedProducts], rivals: PythonRivals? = nil
  ) {
    self.maps = maps
    self.products = products
    self.rivals = rivals
  }

  /// What keeps a map, which can't be copied.
  private final class Owner {
    let map: FeatureMap

    init(_ map: consuming FeatureMap) { self.map = map }
  }

  /// Every map.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let numbers = MadeUpNumbers()
    let limit = ProductLimit(rows: 768, numbers)
    return try maps.map { map in
      try tell("convolution, \(map)")
      let (channels, side) = (map.channels, map.side)
      let owner = Owner(FeatureMap(numbers.tensor([channels, side, side])))
      let kernel = numbers.stored(
        [channels, channels, 3, 3], deviation: 1 / Float(9 * channels).squareRoot())
      let convolution = Convolution(
        weight: StoredWeight(kernel), bias: [Float](repeating: 0, count: channels))
      // As many as there are where every tap is a product.
      let operations = 18 * Double(side * side) * Double(channels * channels)
      let contenders = products.map { products in
        let engine = HostEngine(products: products.settings)
        return Contender(name: "glance \(products.name)", operations: operations) {
          _ = convolution(owner.map, on: engine)
        }
      }
      let theirs = try rivals.contendersInBothFormats(
        products.precisions, operations: operations, "convolution",
        ["channels": .integer(Int64(channels)), "side": .integer(Int64(side))])
      return Comparison(
        "convolution 3x3", map.description, basis: .rate,
        try stopwatch.time(
          contenders + theirs + [limit.contender(TimedProducts(ProductSettings()))]))
    }
  }
}
