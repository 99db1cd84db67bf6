internal import Compute

/// A product of FLUX.1's width with a stored weight: the rate that other work is held against, which does
/// the same operations in smaller pieces or between others.
struct ProductLimit {
  private static let width = 3072
  private let x: Tensor
  private let weight: Weight

  /// The product of so many rows, 768 at most.
  init(rows: Int, _ numbers: MadeUpNumbers) {
    x = numbers.tensor([min(rows, 768), Self.width])
    weight = numbers.weight(Self.width, Self.width)
  }

  /// The product, timed.
  func contender(_ products: TimedProducts) -> Contender {
    let engine = HostEngine(products: products.settings)
    return Contender(
      name: "product \(x.rows)x\(Self.width)x\(Self.width) \(products.name)",
      operations: 2 * Double(x.rows) * Double(Self.width * Self.width)
    ) { [x, weight] in _ = engine.product(x, transposed: weight) }
  }
}
