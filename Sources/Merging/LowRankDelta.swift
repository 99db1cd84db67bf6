/// An adapter's contribution to some rows of a weight: scale · up · down, in double precision.
package struct LowRankDelta: Sendable {
  /// Module that it belongs to.
  let module: String
  /// The rows of the weight that it is added to.
  let rows: Range<Int>
  /// Size of the inner axis, summed over all adapters.
  let rank: Int
  /// Input features.
  let columns: Int
  /// scale · B, `[rows, rank]`.
  private let up: [Double]
  /// A, `[rank, columns]`.
  private let down: [Double]

  /// The factors of one adapter on one module.
  package struct Factors {
    /// A, `[rank, columns]`.
    package var down: [Float]
    /// B, `[rows, rank]`.
    package var up: [Float]
    /// Size of the inner axis.
    package var rank: Int
    /// alpha / rank times the strength.
    package var scale: Double

    /// Factors with this scale.
    package init(down: [Float], up: [Float], rank: Int, scale: Double) {
      self.down = down
      self.up = up
      self.rank = rank
      self.scale = scale
    }
  }

  /// The sum of several adapters' contributions to the same rows.
  package init(module: String, rows: Range<Int>, columns: Int, factors: [Factors]) {
    self.module = module
    self.rows = rows
    self.columns = columns
    let rank = factors.reduce(0) { $0 + $1.rank }
    self.rank = rank
    down = factors.flatMap { $0.down.map(Double.init) }
    up = rows.indices.flatMap { row in
      let row = row - rows.lowerBound
      return factors.flatMap { factors in
        factors.up[row * factors.rank..<(row + 1) * factors.rank].map {
          Double($0) * factors.scale
        }
      }
    }
  }

  /// Runs the body with the row of up (counted in the weight) and all of down.
  func withFactors(
    ofRow row: Int, _ body: (_ up: UnsafePointer<Double>, _ down: UnsafePointer<Double>) -> Void
  ) {
    unsafe up.withUnsafeBufferPointer { up in
      unsafe down.withUnsafeBufferPointer { down in
        guard let up = up.baseAddress, let down = down.baseAddress else { return }
        unsafe body(up + (row - rows.lowerBound) * rank, down)
      }
    }
  }
}
