internal import COpenBLAS

/// Small products in every transposition, compared with the plain loop. The numbers are whole, so
/// that every order of adding gives the same result and any other is wrong.
package enum KernelTrial {
  /// op(a) · op(b) `[m, n]` of row-major matrices, of which a and b hold the transposes where that
  /// is said.
  package typealias Multiply =
    @Sendable (
      _ size: (m: Int, n: Int, k: Int), _ a: [Float], _ transposeA: Bool, _ b: [Float],
      _ transposeB: Bool
    ) -> [Float]

  /// Whether the library's products in float32 and float64 are right.
  package static func passes() -> Bool { passes(single) && passes(double) }

  /// Whether a product is right in every transposition: with edges that fill no vector, and beyond
  /// the million products up to which OpenBLAS has kernels for small matrices.
  package static func passes(_ multiply: Multiply) -> Bool {
    [(19, 23, 17), (104, 112, 97)].allSatisfy { size in
      let (m, n, k) = size
      let a = numbers(m * k, step: 7), b = numbers(k * n, step: 5)
      let expected = plainProduct(size, a, b)
      return [false, true].allSatisfy { transposeA in
        [false, true].allSatisfy { transposeB in
          multiply(
            size, transposeA ? transposed(a, m, k) : a, transposeA,
            transposeB ? transposed(b, k, n) : b, transposeB) == expected
        }
      }
    }
  }

  /// Whole numbers from -4 to 4 in an order without a short period.
  private static func numbers(_ count: Int, step: Int) -> [Float] {
    (0..<count).map { Float(($0 * step + $0 / 11) % 9 - 4) }
  }

  private static func transposed(_ matrix: [Float], _ rows: Int, _ columns: Int) -> [Float] {
    (0..<columns).flatMap { column in (0..<rows).map { matrix[$0 * columns + column] } }
  }

  private static func plainProduct(
    _ size: (m: Int, n: Int, k: Int), _ a: [Float], _ b: [Float]
  ) -> [Float] {
    var result = [Float](repeating: 0, count: size.m * size.n)
    for row in 0..<size.m {
      for inner in 0..<size.k {
        let factor = a[row * size.k + inner]
        for column in 0..<size.n {
          result[row * size.n + column] += factor * b[inner * size.n + column]
        }
      }
    }
    return result
  }

  private static let single: Multiply = { size, a, transposeA, b, transposeB in
    let (m, n, k) = size
    var c = [Float](repeating: .nan, count: m * n)
    useOneBLASThread()
    unsafe ob_sgemm(
      OB_ROW_MAJOR, transposeA ? OB_TRANSPOSED : OB_PLAIN,
      transposeB ? OB_TRANSPOSED : OB_PLAIN, ob_int(m), ob_int(n), ob_int(k), 1, a,
      ob_int(transposeA ? m : k), b, ob_int(transposeB ? k : n), 0, &c, ob_int(n))
    return c
  }

  private static let double: Multiply = { size, a, transposeA, b, transposeB in
    let (m, n, k) = size
    var c = [Double](repeating: .nan, count: m * n)
    useOneBLASThread()
    unsafe ob_dgemm(
      OB_ROW_MAJOR, transposeA ? OB_TRANSPOSED : OB_PLAIN,
      transposeB ? OB_TRANSPOSED : OB_PLAIN, ob_int(m), ob_int(n), ob_int(k), 1,
      a.map { Double($0) }, ob_int(transposeA ? m : k), b.map { Double($0) },
      ob_int(transposeB ? k : n), 0, &c, ob_int(n))
    return c.map { Float($0) }
  }
}
