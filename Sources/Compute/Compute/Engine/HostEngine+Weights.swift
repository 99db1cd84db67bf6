internal import Concurrency
internal import Tensors

/// Products over stored weights: these are packed some rows and columns at a time, from their file where it
/// has float32 or bfloat16, else widened to float32 before, and multiplied while they are in the cache.
extension HostEngine {
  /// How products with a weight are packed; nil where OpenBLAS computes them.
  func packed(for w: Weight) -> PackedProduct? {
    products.runsOnBLAS ? nil : PackedProduct(products, for: w.stored)
  }

  package func product(_ x: Tensor, transposed w: Weight) -> Tensor {
    let (m, n, k) = (x.rows, w.rows, w.columns)
    precondition(x.columns == k, "x must have the weight's input features")
    guard let packed = packed(for: w), n > 0, k > 0 else { return productByBLAS(x, transposed: w) }
    return unsafe Tensor(shape: [m, n]) { y in
      guard let result = y.baseAddress else { return }
      ProductMeter.measure(m: m, n: n, k: k) {
        let isMade = !w.stored.isAtHand
        // What has to be decompressed is so once: for all rows, and some 2 MiB at a time.
        let width = packed.form.tileColumns
        let made = min(512, max(width, (1 << 20) / k / width * width))
        let size = isMade ? made : packed.columnsTogether(w, isTransposed: true)
        unsafe forRows(of: x, packed, allTogether: isMade) { left, first in
          unsafe Parallel.forEachRange(of: n, size: size, work: 2 * left.rows * n * k) { columns in
            let weight = isMade ? w.rowsAtHand(columns) : w
            let rows = isMade ? 0..<columns.count : columns
            unsafe packed.withSums(
              of: left, columns: columns.count, into: result + first * n + columns.lowerBound,
              stride: n
            ) { sums in
              for block in PackedProduct.blocks(k) {
                unsafe weight.withPackable(rows: rows, columns: block) { weights in
                  unsafe packed.multiply(
                    left, block, by: weights, isTransposed: true, into: sums)
                }
              }
            }
          }
        }
      }
    }
  }

  package func product(_ dy: Tensor, _ w: Weight) -> Tensor {
    let (m, n, k) = (dy.rows, w.rows, w.columns)
    precondition(dy.columns == n, "dy must have the weight's output features")
    guard let packed = packed(for: w), n > 0, k > 0 else { return productByBLAS(dy, w) }
    let size = packed.columnsTogether(w, isTransposed: false)
    return unsafe Tensor(shape: [m, k]) { dx in
      guard let result = dx.baseAddress else { return }
      ProductMeter.measure(m: m, n: k, k: n) {
        let isMade = !w.stored.isAtHand
        unsafe forRows(of: dy, packed, allTogether: isMade) { left, first in
          let work = unsafe 2 * left.rows * n * k
          let place = unsafe result + first * k
          func add(
            _ blocks: [Range<Int>], of weight: Weight, from first: Int, to columns: Range<Int>
          ) {
            unsafe packed.withSums(
              of: left, columns: columns.count, into: place + columns.lowerBound, stride: k,
              adding: first > 0
            ) { sums in
              for block in blocks {
                let rows = block.lowerBound - first..<block.upperBound - first
                unsafe weight.withPackable(rows: rows, columns: columns) { weights in
                  unsafe packed.multiply(
                    left, block, by: weights, isTransposed: false, into: sums)
                }
              }
            }
          }
          guard isMade else {
            return Parallel.forEachRange(of: k, size: size, work: work) { columns in
              add(PackedProduct.blocks(n), of: w, from: 0, to: columns)
            }
          }
          // Decompressed once for all columns.
          for block in PackedProduct.blocks(n) {
            let made = w.rowsAtHand(block)
            Parallel.forEachRange(of: k, size: size, work: work / n * block.count) { columns in
              add([block], of: made, from: block.lowerBound, to: columns)
            }
          }
        }
      }
    }
  }

  /// Runs the body with rows of a left operand, packed, as many at a time as may be in memory, or all, and
  /// the number of the first.
  private func forRows(
    of x: Tensor, _ packed: PackedProduct, allTogether: Bool,
    _ body: (_ left: PackedLeft, _ first: Int) -> Void
  ) {
    let (rows, steps) = (x.rows, x.columns)
    let together = allTogether ? max(rows, 1) : packed.rowsTogether(steps: steps)
    unsafe x.withFloats { x in
      guard let start = x.baseAddress else { return }
      for first in stride(from: 0, to: rows, by: together) {
        let count = min(together, rows - first)
        unsafe packed.withLeft(start + first * steps, rows: count, steps: steps) { left in
          unsafe body(left, first)
        }
      }
    }
  }
}
