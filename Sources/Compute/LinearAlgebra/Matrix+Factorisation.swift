internal import COpenBLAS
internal import Compute

/// Factorisations by LAPACK, on the calling thread. The entries must be finite.
extension Matrix {
  /// Self = q · r, q with orthonormal columns and r upper triangular; both have the smaller of the
  /// two sizes between them.
  package func orthogonalised() throws(MatrixFault) -> (q: Matrix, r: Matrix) {
    let inner = min(rows, columns)
    guard inner > 0 else {
      return (Matrix(rows: rows, columns: 0), Matrix(rows: 0, columns: columns))
    }
    var m = try ob_int(fitting: rows)
    var k = try ob_int(fitting: inner)
    var info: ob_int = 0
    var (factored, tau) = try reflected()
    let r = triangle(of: factored)
    factored.removeLast(rows * (columns - inner))
    unsafe try withWorkspace { work, count in
      unsafe ob_dorgqr(&m, &k, &k, &factored, &m, tau, work, count, &info)
    }
    guard info == 0 else { throw .notConverged }
    return (Matrix(rows: rows, columns: inner, factored), r)
  }

  /// The r of self = q · r alone.
  package func triangularFactor() throws(MatrixFault) -> Matrix {
    guard min(rows, columns) > 0 else { return Matrix(rows: 0, columns: columns) }
    return triangle(of: try reflected().factored)
  }

  /// r in the upper triangle, reflectors below it, and the factors of those.
  private func reflected() throws(MatrixFault) -> (factored: [Double], tau: [Double]) {
    var m = try ob_int(fitting: rows)
    var n = try ob_int(fitting: columns)
    guard OpenBLAS.isThere else { throw .noLibrary }
    useOneBLASThread()
    var factored = elements
    var tau = [Double](repeating: 0, count: min(rows, columns))
    var info: ob_int = 0
    unsafe try withWorkspace { work, count in
      unsafe ob_dgeqrf(&m, &n, &factored, &m, &tau, work, count, &info)
    }
    guard info == 0 else { throw .notConverged }
    return (factored, tau)
  }

  private func triangle(of factored: [Double]) -> Matrix {
    let inner = min(rows, columns)
    var r = Matrix(rows: inner, columns: columns)
    for column in 0..<columns {
      for row in 0...min(column, inner - 1) { r[row, column] = factored[column * rows + row] }
    }
    return r
  }

  /// The singular values, largest first.
  package func singularValues() throws(MatrixFault) -> [Double] {
    try decomposed(job: "N").values
  }

  /// Self = left · diag(values) · rightᵀ, values largest first.
  package func decomposed() throws(MatrixFault) -> (left: Matrix, values: [Double], right: Matrix) {
    let (left, values, transposed) = try decomposed(job: "S")
    var right = Matrix(rows: columns, columns: values.count)
    for row in 0..<columns {
      for index in values.indices { right[row, index] = transposed[index, row] }
    }
    return (left, values, right)
  }

  private func decomposed(
    job: Unicode.Scalar
  ) throws(MatrixFault) -> (left: Matrix, values: [Double], transposedRight: Matrix) {
    let inner = min(rows, columns)
    let vectors = job == "N" ? 0 : inner
    var left = Matrix(rows: rows, columns: vectors)
    var right = Matrix(rows: vectors, columns: columns)
    var values = [Double](repeating: 0, count: inner)
    guard inner > 0 else { return (left, values, right) }
    // LAPACK's own sizes of workspace are beyond its integers from there on.
    guard inner <= 16_384 else { throw .tooLarge }
    var m = try ob_int(fitting: rows)
    var n = try ob_int(fitting: columns)
    var leftRows = m
    var rightRows = ob_int(max(vectors, 1))
    var jobz = CChar(truncatingIfNeeded: job.value)
    var info: ob_int = 0
    var copy = elements
    var integers = [ob_int](repeating: 0, count: 8 * inner)
    guard OpenBLAS.isThere else { throw .noLibrary }
    useOneBLASThread()
    unsafe try withWorkspace { work, count in
      unsafe ob_dgesdd(
        &jobz, &m, &n, &copy, &m, &values, &left.elements, &leftRows, &right.elements, &rightRows,
        work, count, &integers, &info)
    }
    guard info == 0 else { throw .notConverged }
    return (left, values, right)
  }
}

/// Calls a routine twice: to ask how much workspace it wants, and to do its work.
private func withWorkspace(
  _ routine: (_ work: UnsafeMutablePointer<Double>, _ count: UnsafePointer<ob_int>) -> Void
) throws(MatrixFault) {
  var wanted = 0.0
  var asks: ob_int = -1
  unsafe routine(&wanted, &asks)
  guard var count = ob_int(exactly: max(1, wanted.rounded(.up))) else { throw .tooLarge }
  var work = [Double](repeating: 0, count: Int(count))
  unsafe routine(&work, &count)
}

extension ob_int {
  fileprivate init(fitting size: Int) throws(MatrixFault) {
    guard let size = ob_int(exactly: size) else { throw .tooLarge }
    self = size
  }
}
