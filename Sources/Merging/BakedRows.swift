internal import CKernels
package import Safetensors
package import Tensors

/// Adds deltas to some rows of a weight and rounds once to the output's dtype.
///
/// Source: Hu et al., "LoRA" (arXiv 2106.09685), section 4.1: W' = W + scale · B · A.
///
/// - Parameters:
///   - base: the weight, `[rows, columns]`, of a dtype with `isWidenable`.
///   - rows: which of its rows.
///   - deltas: what is added; their rows may go beyond these, but no row is in two of them.
///   - dtype: of the output.
/// - Returns: the rows' bytes, and what survived of each delta, in the order given.
package func bakeRows(
  _ base: TensorView, rows: Range<Int>, deltas: [LowRankDelta], to dtype: DType
) -> (bytes: [UInt8], survival: [Survival]) {
  let columns = base.elementCount / max(base.shape[0], 1)
  let weights = base.rows(rows).floats()
  var merged = weights
  var survival = Array(repeating: Survival(), count: deltas.count)
  var delta = [Double](repeating: 0, count: columns)
  var touched: [(row: Int, delta: Int)] = []
  var wanted: [Double] = []
  for (index, contribution) in deltas.enumerated() {
    for row in rows.clamped(to: contribution.rows) {
      let first = (row - rows.lowerBound) * columns
      unsafe merged.withUnsafeMutableBufferPointer { merged in
        unsafe weights.withUnsafeBufferPointer { weights in
          unsafe delta.withUnsafeMutableBufferPointer { delta in
            guard let to = merged.baseAddress, let from = weights.baseAddress,
              let delta = delta.baseAddress
            else { return }
            unsafe contribution.withFactors(ofRow: row) { up, down in
              unsafe ck_add_low_rank_row(
                from + first, up, down, contribution.rank, columns, delta, to + first)
            }
          }
        }
      }
      touched.append((row, index))
      wanted += delta
    }
  }
  var bytes = [UInt8](repeating: 0, count: weights.count * dtype.bitCount / 8)
  let rounded = round(merged, to: dtype, bytes: &bytes)
  // Q(W): what the base alone would be in the output's dtype.
  var unused = bytes
  let before = base.dtype == dtype ? weights : round(weights, to: dtype, bytes: &unused)
  for (place, touch) in touched.enumerated() {
    let first = (touch.row - rows.lowerBound) * columns
    survival[touch.delta] =
      survival[touch.delta]
      + rowSurvival(wanted, place * columns, before, rounded, first, count: columns)
  }
  return (bytes, survival)
}

private func rowSurvival(
  _ delta: [Double], _ deltaStart: Int, _ before: [Float], _ after: [Float], _ start: Int,
  count: Int
) -> Survival {
  var totals = [0.0, 0, 0, 0]
  unsafe delta.withUnsafeBufferPointer { delta in
    unsafe before.withUnsafeBufferPointer { before in
      unsafe after.withUnsafeBufferPointer { after in
        guard let delta = delta.baseAddress, let before = before.baseAddress,
          let after = after.baseAddress
        else { return }
        unsafe ck_add_survival(delta + deltaStart, before + start, after + start, count, &totals)
      }
    }
  }
  var survival = Survival()
  survival.wantedSquares = totals[0]
  survival.survivedSquares = totals[1]
  survival.products = totals[2]
  survival.unchangedCount = Int(totals[3])
  survival.count = count
  return survival
}

/// The bytes of float32 values in a dtype, and the values that they now are.
private func round(_ values: [Float], to dtype: DType, bytes: inout [UInt8]) -> [Float] {
  var span = bytes.mutableSpan
  var raw = unsafe span.mutableBytes
  narrow(values.span, to: dtype, into: &raw)
  return unsafe TensorView(
    name: "", dtype: dtype, shape: [values.count], copying: bytes.span.bytes
  ).floats()
}
