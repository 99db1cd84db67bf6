/// What a change is that gives rows, or columns, of a weight stored lengths: strength · (m · V / |V| − W)
/// with V = W + delta.
///
/// **Source:** Liu et al., "DoRA" (arXiv 2402.09353), equation 5; huggingface/peft,
/// `tuners/lora/dora.py`. A strength scales the whole change: Comfy-Org/ComfyUI,
/// `comfy/weight_adapter/base.py`, `weight_decompose`; LyCORIS' own multiplier moves the lengths alone.
struct MagnitudeDelta: DeltaPart {
  /// What V has more than W.
  let part: any DeltaPart
  /// Position of the tensor in the output.
  let tensor: Int
  let rows: PartRows
  let lengths: ChangedLengths
  let strength: Double

  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) throws {
    unsafe try part.compute(range, of: base, into: output)
    switch lengths {
    case .rows(let stored):
      try rows.forEach(range) { source, columns, offset in
        let found = unsafe FoundRow(
          weights: base.values + offset, changes: output + offset, columns: columns)
        let start = range.lowerBound + offset - columns.lowerBound
        let squares = try squares(ofRowAt: start, found, base)
        let factor = squares > 0 ? Double(stored[source]) / squares.squareRoot() : 0
        for index in offset..<offset + columns.count {
          unsafe output[index] = changed(base.values[index], by: output[index], times: factor)
        }
      }
    case .columns(let lengths):
      let factors = try lengths.factors(base)
      rows.forEach(range) { _, columns, offset in
        for index in offset..<offset + columns.count {
          unsafe output[index] = changed(
            base.values[index], by: output[index],
            times: factors[columns.lowerBound + index - offset])
        }
      }
    }
  }

  /// What is added to an element of W, of which V has `change` more, when V's lengths change by a factor.
  private func changed(_ weight: Float, by change: Double, times factor: Double) -> Double {
    let weight = Double(weight)
    return strength * (factor * (weight + change) - weight)
  }

  /// Some columns of a row that are at hand.
  private struct FoundRow {
    let weights: UnsafePointer<Float>
    let changes: UnsafePointer<Double>
    let columns: Range<Int>
  }

  /// |V|² of a row whose first element is at `start` of the tensor: what isn't at hand is computed, and
  /// all is summed in the same order whatever is.
  private func squares(
    ofRowAt start: Int, _ found: FoundRow, _ base: BaseNumbers
  ) throws -> Double {
    var sum = SumOfSquares()
    try add(0..<found.columns.lowerBound, ofRowAt: start, base, to: &sum)
    unsafe sum.add(found.weights, found.changes, columns: found.columns)
    try add(found.columns.upperBound..<rows.columns, ofRowAt: start, base, to: &sum)
    return sum.value
  }

  private func add(
    _ columns: Range<Int>, ofRowAt start: Int, _ base: BaseNumbers, to sum: inout SumOfSquares
  ) throws {
    guard !columns.isEmpty else { return }
    let elements = start + columns.lowerBound..<start + columns.upperBound
    unsafe try part.withChanged(elements, of: tensor, base) { weights, changes in
      unsafe sum.add(weights, changes, columns: columns)
    }
  }
}

/// The lengths that a change gives a weight.
enum ChangedLengths {
  /// One for each row of the adapter's numbers.
  case rows([Float])
  /// One for each column, which run over all rows of the module.
  case columns(ColumnLengths)
}

/// (W + change)² summed over columns, in an order that is the same wherever the columns are divided.
private struct SumOfSquares {
  private var lanes = SIMD8<Double>()

  /// The sum.
  var value: Double { lanes.sum() }

  /// Adds the squares of some columns, which follow those that were added before.
  mutating func add(
    _ weights: UnsafePointer<Float>, _ changes: UnsafePointer<Double>, columns: Range<Int>
  ) {
    var column = columns.lowerBound
    while column < columns.upperBound {
      let index = column - columns.lowerBound
      guard column % 8 == 0, column + 8 <= columns.upperBound else {
        let sum = unsafe Double(weights[index]) + changes[index]
        lanes[column % 8] += sum * sum
        column += 1
        continue
      }
      let weights = unsafe UnsafeRawPointer(weights + index)
        .loadUnaligned(as: SIMD8<Float>.self)
      let changes = unsafe UnsafeRawPointer(changes + index)
        .loadUnaligned(as: SIMD8<Double>.self)
      let sum = SIMD8<Double>(weights) + changes
      lanes += sum * sum
      column += 8
    }
  }
}

extension DeltaPart {
  /// Runs the body with the base's numbers of some elements of a tensor, and this change of them.
  func withChanged(
    _ elements: Range<Int>, of tensor: Int, _ base: BaseNumbers,
    _ body: (_ weights: UnsafePointer<Float>, _ changes: UnsafePointer<Double>) throws -> Void
  ) throws {
    try base.read(tensor, elements) { values in
      unsafe try values.withUnsafeBufferPointer { values in
        unsafe try withUnsafeTemporaryAllocation(of: Double.self, capacity: elements.count) {
          changes in
          guard let weights = values.baseAddress, let changes = changes.baseAddress else { return }
          let own = unsafe BaseNumbers(values: weights, read: base.read)
          unsafe try compute(elements, of: own, into: changes)
          unsafe try body(weights, changes)
        }
      }
    }
  }
}
