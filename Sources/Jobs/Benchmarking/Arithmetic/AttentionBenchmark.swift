internal import Compute
internal import JSON

/// Attention, forwards and backwards, against the rate of a product of the same precision.
public struct AttentionBenchmark: Benchmark {
  private static let headChannels = 128
  private let tokenCounts: [Int]
  private let heads: Int
  private let products: [TimedProducts]
  private let rivals: PythonRivals?

  /// A benchmark of so many heads of 128 channels.
  public init(
    tokenCounts: [Int], heads: Int, products: [TimedProducts], rivals: PythonRivals? = nil
  ) {
    self.rivals = rivals
    self.tokenCounts = tokenCounts
    self.heads = heads
    self.products = products
  }

  /// Every number of tokens in all settings, forwards and backwards.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let numbers = MadeUpNumbers()
    let form = AttentionForm(heads: heads, scale: 1 / Float(Self.headChannels).squareRoot())
    return try tokenCounts.flatMap { tokens in
      let width = heads * Self.headChannels
      let x = numbers.tensor([tokens, width])
      let limit = ProductLimit(rows: tokens, numbers)
      // Two products forwards; backwards these scores again, and four that make gradients.
      let product = 2 * Double(tokens) * Double(tokens) * Double(width)
      return try [true, false].flatMap { isForward in
        try products.map { products in
          let engine = HostEngine(products: products.settings)
          let group = isForward ? "attention" : "gradients of attention"
          let name = "\(tokens) tokens, \(heads) heads"
          try tell("\(group), \(name), \(products.name)")
          let operations = product * (isForward ? 2 : 5)
          let attention = Contender(name: "glance \(products.name)", operations: operations) {
            if isForward {
              _ = engine.attention(x, x, x, form)
            } else {
              _ = engine.attentionBackward(x, x, x, form, gradient: x)
            }
          }
          let theirs = try rivals.contenders(
            [products.settings.precision], operations: operations, "attention",
            [
              "tokens": .integer(Int64(tokens)), "heads": .integer(Int64(heads)),
              "channels": .integer(Int64(Self.headChannels)), "forward": .bool(isForward),
            ])
          return Comparison(
            group, name, basis: .rate,
            try stopwatch.time([attention] + theirs + [limit.contender(products)]))
        }
      }
    }
  }
}
