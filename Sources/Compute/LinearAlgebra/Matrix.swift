internal import COpenBLAS
internal import Compute

/// A matrix in double precision, column after column, as LAPACK has it.
package struct Matrix: Sendable {
  /// Rows.
  package let rows: Int
  /// Columns.
  package let columns: Int
  /// Entry (i, j) is at j · rows + i.
  package var elements: [Double]

  /// The matrix whose columns these are, one after another.
  package init(rows: Int, columns: Int, _ elements: [Double]) {
    precondition(elements.count == rows * columns, "elements must fill the matrix")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// A matrix of zeros.
  package init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, Array(repeating: 0, count: rows * columns))
  }

  /// An entry.
  package subscript(row: Int, column: Int) -> Double {
    get { elements[column * rows + row] }
    set { elements[column * rows + row] = newValue }
  }

  /// The first columns.
  package func prefix(_ count: Int) -> Matrix {
    Matrix(rows: rows, columns: count, Array(elements[..<(count * rows)]))
  }

  /// The square root of the sum of squares.
  package var norm: Double { elements.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// op(self) · op(other), on the calling thread.
  package func times(
    _ other: Matrix, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> Matrix {
    let (m, k) = transposingSelf ? (columns, rows) : (rows, columns)
    let (inner, n) =
      transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(inner == k, "inner sizes must agree")
    var result = Matrix(rows: m, columns: n)
    guard m > 0, n > 0, k > 0 else { return result }
    guard OpenBLAS.isThere else {
      for column in 0..<n {
        for inner in 0..<k {
          let right = transposingOther ? other[column, inner] : other[inner, column]
          for row in 0..<m {
            result[row, column] += (transposingSelf ? self[inner, row] : self[row, inner]) * right
          }
        }
      }
      return result
    }
    useOneBLASThread()
    unsafe ob_dgemm(
      OB_COLUMN_MAJOR, transposingSelf ? OB_TRANSPOSED : OB_PLAIN,
      transposingOther ? OB_TRANSPOSED : OB_PLAIN, ob_int(m), ob_int(n), ob_int(k), 1, elements,
      ob_int(rows), other.elements, ob_int(other.rows), 0, &result.elements, ob_int(m))
    return result
  }
}

/// Why LAPACK can't do it; the caller knows for what.
package enum MatrixFault: Error {
  /// A size is beyond LAPACK's integers.
  case tooLarge
  /// An iteration did not end.
  case notConverged
  /// There is no LAPACK here: OpenBLAS isn't there.
  case noLibrary
}
