package import Elements
internal import SystemPackage
internal import Tensors
internal import Text

/// Storing the values of a planned tensor.
extension PlannedTensor {
  /// Stores values, and leaves in their place what the stored bytes stand for.
  ///
  /// - Parameters:
  ///   - values: some of the tensor's, whole blocks where it is stored in blocks.
  ///   - scales: of the whole tensor or of each of its rows; see ``scales(_:)``.
  ///   - first: position of the first value in the tensor.
  ///   - output: their bytes.
  /// - Returns: what rounding lost.
  /// - Throws: when a number isn't finite and the codes have none for such.
  package func storeAndLoad(
    _ values: inout MutableSpan<Float>, scales: [Float], first: Int,
    into output: inout MutableRawSpan
  ) throws -> CastLoss {
    try storeAndLoad(&values, scales: scales, first: first, into: &output, keeping: nil)
  }

  /// The same, which keeps the factors of blocks where there is a place for them.
  func storeAndLoad(
    _ values: inout MutableSpan<Float>, scales: [Float], first: Int,
    into output: inout MutableRawSpan, keeping kept: BlockFactors?
  ) throws -> CastLoss {
    guard let encoding else { preconditionFailure("only elements are stored") }
    guard case .coded(let quantizer) = encoding else {
      let scale = scales.first ?? 1
      let loss = encoding.store(
        &values, scale: scale, name: name, first: first, into: &output)
      encoding.load(output.bytes, scale: scale, into: &values)
      return loss
    }
    // What has no factor for each row is one row.
    let width = quantizer.extent == .rows ? rowLength : .max
    let length = quantizer.blockLength
    var factors = [UInt8](repeating: 0, count: length.map { values.count / $0 } ?? 0)
    var others = 0
    var position = 0
    while position < values.count {
      let (row, column) = (first + position).quotientAndRemainder(dividingBy: width)
      let end = position + min(width - column, values.count - position)
      var part = values._mutatingExtracting(position..<end)
      var codes = output._mutatingExtracting(quantizer.codes.byteRange(of: position..<end))
      let blocks = length.map { position / $0..<end / $0 } ?? 0..<0
      var all = factors.mutableSpan
      var ownFactors = all._mutatingExtracting(blocks)
      others += quantizer.encode(
        &part, factor: scales.isEmpty ? 1 : scales[row], into: &codes, blockFactors: &ownFactors)
      position = end
    }
    if let length { kept?.keep(factors, from: first / length) }
    guard others == 0 else { throw notFinite(quantizer) }
    return CastLoss()
  }

  /// The scales of this tensor, from the largest magnitudes of its elements.
  ///
  /// - Parameter largest: the largest magnitude of some elements, at most
  ///   ``TensorPortions/runLength``.
  /// - Returns: one for the whole tensor, or one for every row; none where
  ///   ``TensorEncoding/hasScales`` doesn't hold.
  /// - Throws: what `largest` throws.
  package func scales(_ largest: (Range<Int>) throws -> Float) throws -> [Float] {
    switch encoding {
    case .scaled(let dtype, _):
      let found = try greatest(of: 0..<elementCount, largest)
      // A tensor of zeros has any scale; one whose reciprocal is no number would make none of weights.
      return [
        found == 0 ? 1 : max(found / dtype.largestNumber, Float.leastNormalMagnitude)
      ]
    case .coded(let quantizer):
      switch quantizer.extent {
      case .nothing: return []
      case .whole:
        return [quantizer.factor(largest: try greatest(of: 0..<elementCount, largest))]
      case .rows:
        let width = rowLength
        return try (0..<elementCount / width).map { row in
          quantizer.factor(
            largest: try greatest(of: row * width..<(row + 1) * width, largest))
        }
      }
    default: return []
    }
  }

  /// The largest magnitude of elements, run by run.
  private func greatest(
    of elements: Range<Int>, _ largest: (Range<Int>) throws -> Float
  ) throws -> Float {
    var found: Float = 0
    for run in TensorPortions.runs(of: elements) { found = max(found, try largest(run)) }
    return found
  }

  /// Elements of a row.
  private var rowLength: Int { max(shape.dropFirst().elementCount, 1) }

  private func notFinite(_ quantizer: Quantizer) -> RewritingError {
    var file: FilePath?
    if case .elements(let pieces, _) = origin { file = pieces.lazy.compactMap(\.tensor.file).first }
    return .unsupported(
      file: file ?? "",
      detail:
        "tensor '\(name)': holds an infinity or NaN, which \(quantizer.rawValue) can't store, "
        + "expected finite numbers; leave it as it is with --encoding "
        + "'\(quantizer.rawValue),\(name.droppingSuffix(".weight") ?? name)=bf16'")
  }
}

/// Factors of blocks.
extension PlannedTensor {
  /// Makes factors of this tensor's blocks, in the order of ``BlockedOrder``.
  ///
  /// - Parameters:
  ///   - elements: which of the factors, as they are stored.
  ///   - output: their bytes; those that belong to no block become 0.
  ///   - factors: makes the factors of some blocks of this tensor, which follow each other in a row.
  /// - Throws: what `factors` throws.
  func makeBlockScales(
    _ elements: Range<Int>, into output: inout MutableRawSpan,
    _ factors: (_ blocks: Range<Int>, _ output: inout MutableSpan<UInt8>) throws -> Void
  ) throws {
    guard case .coded(let quantizer) = encoding, let length = quantizer.blockLength else {
      preconditionFailure("only codes in blocks have factors of blocks")
    }
    unsafe output.withUnsafeMutableBytes {
      _ = unsafe $0.initializeMemory(as: UInt8.self, repeating: 0)
    }
    let (rows, columns) = (shape[0], rowLength / length)
    let order = BlockedOrder(rows: rows, columns: columns)
    var found = [UInt8](repeating: 0, count: TensorPortions.runLength / length)
    var part = elements.lowerBound / BlockedOrder.partCount
    let end = (elements.upperBound + BlockedOrder.partCount - 1) / BlockedOrder.partCount
    while part < end {
      let (down, across) = part.quotientAndRemainder(dividingBy: order.partsAcross)
      let count = min(order.partsAcross - across, end - part)
      let first = across * BlockedOrder.partColumns
      let last = min((across + count) * BlockedOrder.partColumns, columns)
      for row in down * BlockedOrder.partRows..<min((down + 1) * BlockedOrder.partRows, rows) {
        for start in stride(from: first, to: last, by: found.count) {
          let stop = min(start + found.count, last)
          var span = found.mutableSpan
          var own = span._mutatingExtracting(0..<stop - start)
          try factors(row * columns + start..<row * columns + stop, &own)
          // Those of a part's row stand beside each other.
          for group in stride(from: start, to: stop, by: BlockedOrder.partColumns) {
            let place = order.position(row, group) - elements.lowerBound
            for column in group..<min(group + BlockedOrder.partColumns, stop) {
              let byte = place + column - group
              guard byte >= 0, byte < elements.count else { continue }
              output.storeBytes(of: own[column - start], toByteOffset: byte, as: UInt8.self)
            }
          }
        }
      }
      part += count
    }
  }

  /// Makes factors of this tensor's blocks from its values, in the order of ``BlockedOrder``.
  ///
  /// - Parameters:
  ///   - elements: which of the factors, as they are stored.
  ///   - factor: of the whole tensor.
  ///   - output: their bytes; those that belong to no block become 0.
  ///   - withValues: runs a body with the values of some of this tensor's elements, at most
  ///     ``TensorPortions/runLength``.
  /// - Throws: what `withValues` throws.
  package func makeBlockScales(
    _ elements: Range<Int>, factor: Float, into output: inout MutableRawSpan,
    _ withValues: (_ run: Range<Int>, _ body: (Span<Float>) -> Void) throws -> Void
  ) throws {
    guard case .coded(let quantizer) = encoding, let length = quantizer.blockLength else {
      preconditionFailure("only codes in blocks have factors of blocks")
    }
    try makeBlockScales(elements, into: &output) { blocks, output in
      let run = blocks.lowerBound * length..<blocks.upperBound * length
      try unsafe output.withUnsafeMutableBufferPointer { output in
        try withValues(run) { values in
          var output = unsafe MutableSpan(_unsafeElements: output)
          quantizer.blockFactors(of: values, factor: factor, into: &output)
        }
      }
    }
  }
}

/// Stores scales as F32.
package func storeScales(_ scales: ArraySlice<Float>, into output: inout MutableRawSpan) {
  for (position, scale) in scales.enumerated() {
    output.storeBytes(of: scale, toByteOffset: position * 4, as: Float.self)
  }
}
