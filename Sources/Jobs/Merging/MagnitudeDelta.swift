internal import Concurrency

/// What a change is that gives rows, or columns, of a weight stored lengths: strength · (m · V / |V| − W)
/// with V = W + delta.
///
/// **Source:** Liu et al., "DoRA" (arXiv 2402.09353), equation 5; huggingface/peft,
/// `tuners/lora/dora.py`. A strength scales the whole change: Comfy-Org/ComfyUI,
/// `comfy/weight_adapter/base.py`, `weight_decompose`; LyCORIS' own multiplier moves the lengths alone.
struct MagnitudeDelta: DeltaPart {
  /// What V has more than W.
  let part: any DeltaPart
  let rows: PartRows
  let lengths: ChangedLengths
  let strength: Double

  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) throws {
    unsafe try part.compute(range, of: base, into: output)
    let factors = try lengths.factors(base)
    rows.forEach(range) { source, columns, offset in
      for index in 0..<columns.count {
        let weight = unsafe Double(base.values[offset + index])
        let factor = factors[lengths.isOfRows ? source : columns.lowerBound + index]
        unsafe output[offset + index] =
          strength * (factor * (weight + output[offset + index]) - weight)
      }
    }
  }
}

/// The stored lengths of a module, over those that its changed weight has by itself.
final class ChangedLengths: Sendable {
  /// Where some of the module's rows lie.
  struct Place: Sendable {
    /// Position of the tensor in the output.
    let tensor: Int
    let part: any DeltaPart
    let rows: PartRows
  }

  /// Whether every row has a length; else every column.
  let isOfRows: Bool
  private let stored: [Float]
  private let places: [Place]
  private let found = FoundOnce<[Double]>()

  /// - Parameters:
  ///   - stored: the lengths, of rows or of columns.
  ///   - isOfRows: whether they are of rows.
  ///   - places: where all rows of the module lie.
  init(stored: [Float], isOfRows: Bool, places: [Place]) {
    self.stored = stored
    self.isOfRows = isOfRows
    self.places = places
  }

  /// What every row, or column, is multiplied by; 0 where the changed weight has no length.
  func factors(_ base: BaseNumbers) throws -> [Double] {
    try found.value {
      var squares = [Double](repeating: 0, count: stored.count)
      for place in places { try add(place, base, to: &squares) }
      return zip(stored, squares).map { $1 > 0 ? Double($0) / $1.squareRoot() : 0 }
    }
  }

  private func add(_ place: Place, _ base: BaseNumbers, to squares: inout [Double]) throws {
    let columns = place.rows.columns
    var delta = [Double](repeating: 0, count: columns)
    for (index, source) in place.rows.sources.enumerated() {
      let start = (place.rows.first + index) * columns
      try base.read(place.tensor, start..<start + columns) { values in
        try values.withUnsafeBufferPointer { values in
          try delta.withUnsafeMutableBufferPointer { delta in
            guard let weights = values.baseAddress, let changes = delta.baseAddress else { return }
            let own = unsafe BaseNumbers(values: weights, read: base.read)
            unsafe try place.part.compute(start..<start + columns, of: own, into: changes)
            for column in 0..<columns {
              let sum = unsafe Double(weights[column]) + changes[column]
              squares[isOfRows ? source : column] += sum * sum
            }
          }
        }
      }
    }
  }
}
