internal import CKernels

/// An adapter's contribution to some rows of a weight: scale · up · down, in double precision.
package struct LowRankDelta: Sendable {
  /// Module that it belongs to.
  package let module: String
  /// The rows of the weight that it is added to.
  package let rows: Range<Int>
  /// Size of the inner axis, summed over all adapters.
  let rank: Int
  /// Input features.
  let columns: Int
  /// scale · B, `[rows, rank]`.
  private let up: [Double]
  /// A, in panels of some columns: `[panels, rank, columns of a panel]`, zeros behind the last column.
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
    rank = factors.reduce(0) { $0 + $1.rank }
    down = Self.panels(of: factors, rank: rank, columns: columns)
    up = rows.indices.flatMap { row in
      let row = row - rows.lowerBound
      return factors.flatMap { factors in
        factors.up[row * factors.rank..<(row + 1) * factors.rank].map {
          Double($0) * factors.scale
        }
      }
    }
  }

  private static func panels(of factors: [Factors], rank: Int, columns: Int) -> [Double] {
    let width = Int(CK_PANEL_COLUMNS)
    let down = factors.flatMap(\.down)
    var panels = [Double](repeating: 0, count: (columns + width - 1) / width * width * rank)
    for k in 0..<rank {
      for c in 0..<columns {
        panels[(c / width * rank + k) * width + c % width] = Double(down[k * columns + c])
      }
    }
    return panels
  }

  /// The elements of the weight that it is added to.
  package var elements: Range<Int> { rows.lowerBound * columns..<rows.upperBound * columns }

  /// Rows that are computed together: few enough that what is written stays in the cache.
  private static let rowsTogether = 32

  /// Computes some of its elements, in double precision.
  ///
  /// Source: Hu et al., "LoRA" (arXiv 2106.09685), section 4.1: W' = W + scale · B · A.
  ///
  /// - Parameters:
  ///   - range: elements of the weight, all of them in ``elements``.
  ///   - output: where the first of them goes; the others follow.
  func compute(_ range: Range<Int>, into output: UnsafeMutablePointer<Double>) {
    var start = range.lowerBound
    while start < range.upperBound {
      let row = start / columns
      let column = start % columns
      // Whole rows several at a time; a part of a row by itself.
      let rowCount =
        column > 0 || range.upperBound - start < columns
        ? 1 : min(Self.rowsTogether, (range.upperBound - start) / columns)
      let end = min(range.upperBound, (row + rowCount) * columns)
      unsafe up.withUnsafeBufferPointer { up in
        unsafe down.withUnsafeBufferPointer { down in
          guard let up = up.baseAddress, let down = down.baseAddress else { return }
          unsafe ck_low_rank_rows(
            up + (row - rows.lowerBound) * rank, down, rank, columns, rowCount, column,
            end - (row + rowCount - 1) * columns, output + (start - column - range.lowerBound))
        }
      }
      start = end
    }
  }
}
