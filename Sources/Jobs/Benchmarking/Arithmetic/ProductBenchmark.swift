internal import Compute
internal import JSON
internal import Tensors

/// Products with stored bfloat16 weights, in both directions, against OpenBLAS's over weights that are
/// float32 already.
public struct ProductBenchmark: Benchmark {
  private let rowCounts: [Int]
  private let shapes: [ProductShape]
  private let products: [TimedProducts]
  private let rivals: PythonRivals?

  /// A benchmark.
  ///
  /// - Parameters:
  ///   - rowCounts: rows of activations, M.
  ///   - shapes: of weights.
  ///   - products: how ours are computed.
  ///   - rivals: PyTorch, to be timed too.
  public init(
    rowCounts: [Int], shapes: [ProductShape], products: [TimedProducts],
    rivals: PythonRivals? = nil
  ) {
    self.rivals = rivals
    self.rowCounts = rowCounts
    self.shapes = shapes
    self.products = products
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

  /// Ours, then PyTorch's, then OpenBLAS where it is there.
  func contenders(
    _ rows: Int, _ shape: ProductShape, isForward: Bool, _ numbers: MadeUpNumbers
  ) throws -> [Contender] {
    let weight = numbers.weight(shape.outputs, shape.inputs)
    let x = numbers.tensor([rows, isForward ? shape.inputs : shape.outputs])
    let rival = BLASProduct(x, try weight.stored.floats(), shape, isForward: isForward)
    let theirs = try rivals.contenders(
      products.precisions, operations: rival.contender.operations ?? 0, "gemm",
      [
        "rows": .integer(Int64(rows)), "outputs": .integer(Int64(shape.outputs)),
        "inputs": .integer(Int64(shape.inputs)), "forward": .bool(isForward),
      ])
    let ours = products.map { products in
      let engine = HostEngine(products: products.settings)
      return Contender(
        name: "glance \(products.name)", operations: rival.contender.operations
      ) {
        _ = isForward ? engine.product(x, transposed: weight) : engine.product(x, weight)
      }
    }
    return ours + theirs + (OpenBLAS.isThere ? [rival.contender] : [])
  }
}
