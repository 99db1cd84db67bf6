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
    useOneBLASThread()
    unsafe cblas_dgemm(
      CblasColMajor, transposingSelf ? CblasTrans : CblasNoTrans,
      transposingOther ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, elements,
      blasint(rows), other.elements, blasint(other.rows), 0, &result.elements, blasint(m))
    return result
  }
}

/// Why LAPACK can't do it; the caller knows for what.
package enum MatrixFault: Error {
  /// A size is beyond LAPACK's integers.
  case tooLarge
  /// An iteration did not end.
  case notConverged
}
