internal import Concurrency
internal import Tensors

/// What operations borrow while they run, for plans.
extension HostEngine {
  /// Bytes that a product with a stored weight borrows, for all threads together and for each.
  ///
  /// - Parameters:
  ///   - rows: of the other operand.
  ///   - steps: of the reduction.
  ///   - w: the weight.
  /// - Returns: bytes.
  func scratch(rows: Int, steps: Int, _ w: Weight) -> (shared: Int, ofThread: Int) {
    guard let packed = packed(for: w) else { return (0, 4 * panelSize(w.rows) * w.columns) }
    let isMade = !w.stored.isAtHand
    // Of compressed weights some 2 MiB at a time, once compressed and once not.
    return (
      packed.form.leftByteCount(
        rows: isMade ? rows : min(rows, packed.rowsTogether(steps: steps)), steps: steps),
      packed.scratchOfThread(steps: steps, columns: w.rows * w.columns / max(steps, 1))
        + (isMade ? 4 << 20 : 0)
    )
  }
}
