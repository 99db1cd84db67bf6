internal import Concurrency

extension HostEngine {
  /// A dense product of tensors in memory; see ``Engine``.
  ///
  /// - Parameters:
  ///   - a: `[m, k]`, or `[k, m]` when transposed.
  ///   - transposeA: whether op(a) is the transpose of a.
  ///   - b: `[k, n]`, or `[n, k]` when transposed.
  ///   - transposeB: whether op(b) is the transpose of b.
  ///   - factor: multiplies the product.
  /// - Returns: `[m, n]`.
  package func product(
    _ a: Tensor, transposeA: Bool = false, _ b: Tensor, transposeB: Bool = false, factor: Float = 1
  ) -> Tensor {
    let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
    let (n, inner) = transposeB ? (b.rows, b.columns) : (b.columns, b.rows)
    precondition(inner == k, "inner sizes must agree")
    return unsafe Tensor(shape: [m, n]) { c in
      unsafe a.withFloats { a in
        unsafe b.withFloats { b in
          guard let aStart = a.baseAddress, let bStart = b.baseAddress, let cStart = c.baseAddress
          else { return unsafe c.initialize(repeating: 0) }
          let (aStride, bStride) = (transposeA ? m : k, transposeB ? k : n)
          ProductMeter.measure(m: m, n: n, k: k) {
            Parallel.forEachRange(of: m, size: panelSize(m), work: 2 * m * n * k) { rows in
              unsafe multiplyOnOneThread(
                m: rows.count, n: n, k: k,
                MatrixView(
                  start: aStart + rows.lowerBound * (transposeA ? 1 : aStride), stride: aStride),
                transposeA: transposeA, MatrixView(start: bStart, stride: bStride),
                transposeB: transposeB, factor: factor,
                into: MutableMatrixView(start: cStart + rows.lowerBound * n, stride: n))
            }
          }
        }
      }
    }
  }
}
