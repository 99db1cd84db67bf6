internal import Elements
internal import Tensors

/// The difference of two nearly equal low-rank changes, without the cancellation of squared norms.
///
/// With [s₁B₁, -s₂B₂] = QR and [A₁ᵀ, A₂ᵀ] = PS the difference is Q · R Sᵀ · Pᵀ, whose norm is that
/// of the small R Sᵀ.
enum TriangularFactors {
  /// ‖s₁B₁A₁ - s₂B₂A₂‖ of two modules of one shape; its error is some 1e-16 of ‖B‖ ‖A‖.
  static func differenceNorm(_ a: AdapterModule, _ b: AdapterModule) -> Double {
    let ups = columns(of: a.up, times: a.scale) + columns(of: b.up, times: -b.scale)
    let right = triangle(a.down.doubleRows + b.down.doubleRows)
    let left = triangle(ups)
    var square = 0.0
    for i in left.indices {
      for j in right.indices {
        var sum = 0.0
        for k in max(i, j)..<left.count { sum += left[i][k] * right[j][k] }
        square += sum * sum
      }
    }
    return square.squareRoot()
  }

  /// R of the QR factorisation of a matrix given by columns, its rows full length.
  ///
  /// Source: Björck, "Numerics of Gram-Schmidt orthogonalization" (1994): R of the modified process
  /// is that of a matrix within rounding of the given one, whatever its condition.
  private static func triangle(_ columns: [[Double]]) -> [[Double]] {
    var columns = columns
    let count = columns.count
    var rows = Array(repeating: [Double](repeating: 0, count: count), count: count)
    for i in 0..<count {
      let norm = innerProduct(columns[i], columns[i]).squareRoot()
      rows[i][i] = norm
      guard norm > 0 else { continue }
      let unit = columns[i].map { $0 / norm }
      for j in i + 1..<count {
        let projection = innerProduct(unit, columns[j])
        rows[i][j] = projection
        subtract(projection, unit, from: &columns[j])
      }
    }
    return rows
  }

  private static func columns(of up: TensorView, times scale: Double) -> [[Double]] {
    let values = up.floats()
    let rank = up.shape[1]
    return (0..<rank).map { k in
      (0..<up.shape[0]).map { scale * Double(values[$0 * rank + k]) }
    }
  }
}

extension TensorView {
  /// The rows of a matrix, widened.
  fileprivate var doubleRows: [[Double]] {
    let values = floats()
    return (0..<shape[0]).map { row in
      values[row * shape[1]..<(row + 1) * shape[1]].map(Double.init)
    }
  }
}
