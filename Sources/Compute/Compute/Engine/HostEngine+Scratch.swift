internal import Concurrency
internal import Tensors

/// What operations borrow while they run, for plans.
extension HostEngine {
  /// Bytes that a product with a stored weight borrows, for all threads together and for each.
  ///
  /// - Parameters:
  ///   - rows: of the other operand.
  ///   - isTransposed: whether the product is x · wᵀ, else dy · w.
  ///   - w: the weight.
  /// - Returns: bytes.
  func scratch(rows: Int, isTransposed: Bool, _ w: Weight) -> (shared: Int, ofThread: Int) {
    guard let packed = packed(for: w) else { return (0, 4 * panelSize(w.rows) * w.columns) }
    let (steps, columns) = isTransposed ? (w.columns, w.rows) : (w.rows, w.columns)
    guard !w.stored.isAtHand else {
      return (
        packed.form.leftByteCount(rows: min(rows, packed.rowsTogether(steps: steps)), steps: steps),
        packed.scratchOfThread(
          rows: rows, steps: steps,
          columns: min(columns, packed.columnsTogether(w, isTransposed: isTransposed)),
          isPackable: w.isPackable)
      )
    }
    // Of compressed weights some 2 MiB at a time forwards, and a block of rows backwards.
    let block = min(PackedProduct.blockLength, w.rows)
    let made = isTransposed ? 4 << 20 : 4 * block * w.columns
    return (
      packed.form.leftByteCount(rows: rows, steps: steps) + (isTransposed ? 0 : made),
      packed.scratchOfThread(
        rows: rows, steps: steps, columns: min(columns, PackedProduct.blockLength),
        isPackable: false)
        + (isTransposed ? made : 0)
    )
  }
}
