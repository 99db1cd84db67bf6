internal import Concurrency
internal import Tensors

/// Products over stored weights by OpenBLAS: where it is asked for, and in float32 where no vector kernel of
/// ours runs. Weights are widened panel by panel.
extension HostEngine {
  func productByBLAS(_ x: Tensor, transposed w: Weight) -> Tensor {
    let (m, n, k) = (x.rows, w.rows, w.columns)
    return unsafe Tensor(shape: [m, n]) { y in
      unsafe x.withFloats { x in
        guard let xStart = x.baseAddress, let yStart = y.baseAddress else {
          return unsafe y.initialize(repeating: 0)
        }
        ProductMeter.measure(m: m, n: n, k: k) {
          Parallel.forEachRange(of: n, size: panelSize(n), work: 2 * m * n * k) { panel in
            unsafe w.withBlock(rows: panel, columns: 0..<k) { block in
              unsafe multiplyOnOneThread(
                m: m, n: panel.count, k: k, MatrixView(start: xStart, stride: k), transposeA: false,
                block, transposeB: true,
                into: MutableMatrixView(start: yStart + panel.lowerBound, stride: n))
            }
          }
        }
      }
    }
  }

  func productByBLAS(_ dy: Tensor, _ w: Weight) -> Tensor {
    let (m, n, k) = (dy.rows, w.rows, w.columns)
    // The sum over output features goes in fixed portions, to bound the scratch memory.
    let portions = stride(from: 0, to: n, by: 1024).map { $0..<min(n, $0 + 1024) }
    return unsafe Tensor(shape: [m, k]) { dx in
      unsafe dy.withFloats { dy in
        guard let dyStart = dy.baseAddress, let dxStart = dx.baseAddress else {
          return unsafe dx.initialize(repeating: 0)
        }
        func add(_ portion: Range<Int>, of w: Weight, rows: Range<Int>, to panel: Range<Int>) {
          unsafe w.withBlock(rows: rows, columns: panel) { block in
            unsafe multiplyOnOneThread(
              m: m, n: panel.count, k: portion.count,
              MatrixView(start: dyStart + portion.lowerBound, stride: n), transposeA: false,
              block, transposeB: false, accumulate: portion.lowerBound > 0,
              into: MutableMatrixView(start: dxStart + panel.lowerBound, stride: k))
          }
        }
        ProductMeter.measure(m: m, n: k, k: n) {
          guard !w.stored.isAtHand else {
            return Parallel.forEachRange(of: k, size: panelSize(k), work: 2 * m * n * k) { panel in
              for portion in portions { add(portion, of: w, rows: portion, to: panel) }
            }
          }
          // Decompressed once for all panels.
          for portion in portions {
            let made = w.rowsAtHand(portion)
            let work = 2 * m * portion.count * k
            Parallel.forEachRange(of: k, size: panelSize(k), work: work) { panel in
              add(portion, of: made, rows: 0..<portion.count, to: panel)
            }
          }
        }
      }
    }
  }
}
