public import Compute
internal import Tensors

/// Products with stored bfloat16 weights, in both directions, against OpenBLAS's over weights that are
/// float32 already.
public struct ProductBenchmark: Benchmark {
  private let rowCounts: [Int]
  private let shapes: [ProductShape]
  private let precisions: [ProductPrecision]

  /// A benchmark.
  ///
  /// - Parameters:
  ///   - rowCounts: rows of activations, M.
  ///   - shapes: of weights.
  ///   - precisions: of our products.
  public init(rowCounts: [Int], shapes: [ProductShape], precisions: [ProductPrecision]) {
    self.rowCounts = rowCounts
    self.shapes = shapes
    self.precisions = precisions
  }

  /// Every shape with every number of rows, forwards and backwards.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let numbers = MadeUpNumbers()
    return try rowCounts.flatMap { rows in
      try [true, false].flatMap { isForward in
        try shapes.map { shape in
          let group = "\(isForward ? "y = x·Wᵀ" : "dx = dy·W"), \(rows) rows"
          try tell("\(group), \(shape)")
          let contenders = try contenders(rows, shape, isForward: isForward, numbers)
          return Comparison(
            group, shape.description, basis: .rate, try stopwatch.time(contenders))
        }
      }
    }
  }

  /// Ours, then OpenBLAS.
  func contenders(
    _ rows: Int, _ shape: ProductShape, isForward: Bool, _ numbers: MadeUpNumbers
  ) throws -> [Contender] {
    let weight = numbers.weight(shape.outputs, shape.inputs)
    let x = numbers.tensor([rows, isForward ? shape.inputs : shape.outputs])
    let rival = BLASProduct(x, try weight.stored.floats(), shape, isForward: isForward)
    return precisions.map { precision in
      let engine = HostEngine(products: ProductSettings(precision: precision))
      return Contender(
        name: "glance \(precision.rawValue)", operations: rival.contender.operations
      ) {
        _ = isForward ? engine.product(x, transposed: weight) : engine.product(x, weight)
      }
    } + [rival.contender]
  }
}
