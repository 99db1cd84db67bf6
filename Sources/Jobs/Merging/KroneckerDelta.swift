internal import Adapters
internal import Tensors

/// Rows of a scaled Kronecker product, in double precision.
struct KroneckerDelta: DeltaPart {
  private let rows: PartRows
  /// scale · left, `[left rows, leftColumns]`.
  private let left: [Double]
  private let leftColumns: Int
  /// `[rightRows, rightColumns]`.
  private let right: [Double]
  private let rightRows: Int
  private let rightColumns: Int

  init(
    left: ChangedValues.KroneckerFactor, right: ChangedValues.KroneckerFactor, scale: Double,
    _ rows: PartRows
  ) {
    self.rows = rows
    self.left = left.doubles.map { $0 * scale }
    leftColumns = left.shape.columns
    self.right = right.doubles
    (rightRows, rightColumns) = right.shape
  }

  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) {
    unsafe left.withUnsafeBufferPointer { left in
      unsafe right.withUnsafeBufferPointer { right in
        rows.forEach(range) { source, columns, offset in
          let (leftRow, rightRow) = source.quotientAndRemainder(dividingBy: rightRows)
          var column = columns.lowerBound
          while column < columns.upperBound {
            let (block, first) = column.quotientAndRemainder(dividingBy: rightColumns)
            let count = min(rightColumns - first, columns.upperBound - column)
            let factor = unsafe left[leftRow * leftColumns + block]
            let start = rightRow * rightColumns + first
            let to = unsafe output + (offset + column - columns.lowerBound)
            for index in 0..<count { unsafe to[index] = factor * right[start + index] }
            column += count
          }
        }
      }
    }
  }
}

extension ChangedValues.KroneckerFactor {
  /// The matrix, in double precision.
  fileprivate var doubles: [Double] {
    switch self {
    case .whole(let matrix): return matrix.floats().map(Double.init)
    case .divided(let pair):
      let (up, down) = (pair.up.floats(), pair.down.floats())
      let (rank, columns) = (pair.down.shape[0], pair.down.shape[1])
      var product = [Double](repeating: 0, count: pair.up.shape[0] * columns)
      for row in 0..<pair.up.shape[0] {
        for k in 0..<rank {
          let factor = Double(up[row * rank + k])
          for column in 0..<columns {
            product[row * columns + column] += factor * Double(down[k * columns + column])
          }
        }
      }
      return product
    }
  }
}
