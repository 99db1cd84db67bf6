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
    var others = 0
    var position = 0
    while position < values.count {
      let (row, column) = (first + position).quotientAndRemainder(dividingBy: width)
      let end = position + min(width - column, values.count - position)
      var part = values._mutatingExtracting(position..<end)
      var codes = output._mutatingExtracting(quantizer.codes.byteRange(of: position..<end))
      others += quantizer.encode(
        &part, factor: scales.isEmpty ? 1 : scales[row], into: &codes)
      position = end
    }
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
    unsafe output.withUnsafeMutableBytes {
      _ = unsafe $0.initializeMemory(as: UInt8.self, repeating: 0)
    }
    let (rows, columns) = (shape[0], rowLength / length)
    let order = BlockedOrder(rows: rows, columns: columns)
    var factors = [UInt8](repeating: 0, count: TensorPortions.runLength / length)
    var part = elements.lowerBound / BlockedOrder.partCount
    let end = (elements.upperBound + BlockedOrder.partCount - 1) / BlockedOrder.partCount
    while part < end {
      let (down, across) = part.quotientAndRemainder(dividingBy: order.partsAcross)
      let count = min(order.partsAcross - across, end - part)
      let first = across * BlockedOrder.partColumns
      let last = min((across + count) * BlockedOrder.partColumns, columns)
      for row in down * BlockedOrder.partRows..<min((down + 1) * BlockedOrder.partRows, rows) {
        for start in stride(from: first, to: last, by: factors.count) {
          let stop = min(start + factors.count, last)
          let line = row * columns
          try withValues((line + start) * length..<(line + stop) * length) { values in
            do {
              var span = factors.mutableSpan
              let whole = unsafe span.mutableBytes
              var bytes = whole._consumingExtracting(0..<stop - start)
              quantizer.blockFactors(of: values, factor: factor, into: &bytes)
            }
            for column in start..<stop {
              let position = order.position(row, column)
              guard elements.contains(position) else { continue }
              output.storeBytes(
                of: factors[column - start], toByteOffset: position - elements.lowerBound,
                as: UInt8.self)
            }
          }
        }
      }
      part += count
    }
  }
}

/// Stores scales as F32.
package func storeScales(_ scales: ArraySlice<Float>, into output: inout MutableRawSpan) {
  for (position, scale) in scales.enumerated() {
    output.storeBytes(of: scale, toByteOffset: position * 4, as: Float.self)
  }
}
