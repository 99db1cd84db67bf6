internal import Concurrency
package import Elements
internal import GGUF
package import Tensors

/// Makes tensors from the elements of inputs.
package final class PlainTensorMaker: TensorMaker {
  package let tensors: [PlannedTensor]
  private let scales: [FoundOnce<[Float]>]
  /// Of the tensors whose codes have factors of blocks.
  private let factors: [BlockFactors?]
  private let floats = Pool<[Float]> { Array(repeating: 0, count: TensorPortions.runLength) }
  /// How far what was stored is from what went in, of tensors that are stored in few bits.
  let errors: StoringErrors

  /// A maker of these tensors.
  package init(_ tensors: [PlannedTensor]) {
    self.tensors = tensors
    scales = tensors.map { _ in FoundOnce() }
    factors = tensors.map { tensor in
      guard case .coded(let quantizer)? = tensor.encoding, let length = quantizer.blockLength else {
        return nil
      }
      return BlockFactors(blockCount: tensor.elementCount / length)
    }
    errors = StoringErrors(tensorCount: tensors.count)
  }

  package func bytesInPlace(
    _ elements: Range<Int>, of index: Int
  ) -> (tensor: TensorView, range: Range<Int>)? {
    guard case .elements(let pieces, let encoding) = tensors[index].origin,
      let (piece, range) = pieces.first(covering: elements)
    else { return nil }
    switch encoding {
    case .copy:
      return (piece.tensor, piece.tensor.dtype.byteRange(of: range))
    case .block(let type):
      // Blocks that are there are not made anew: that would move some numbers by a step.
      guard piece.scale == nil, let blocks = piece.tensor.blocks, blocks.type == type,
        range.lowerBound % type.elementCount == 0, range.upperBound % type.elementCount == 0
      else { return nil }
      return (blocks.codes, Encoding.blocks(type).byteRange(of: range))
    case .cast, .scaled, .coded: return nil
    }
  }

  package func make(
    _ elements: Range<Int>, of index: Int, into output: inout MutableRawSpan
  ) throws -> CastLoss {
    switch tensors[index].origin {
    case .bytes(let bytes, let dtype):
      let part = bytes[dtype.byteRange(of: elements)]
      copyBytes(unsafe Array(part).span.bytes, into: &output)
      return CastLoss()
    case .scale(let weight):
      storeScales(try scales(of: weight)[elements], into: &output)
      return CastLoss()
    case .blockScales(let weight, _):
      try makeBlockScales(elements, of: weight, into: &output)
      if elements.upperBound == tensors[index].elementCount { factors[weight]?.drop() }
      return CastLoss()
    case .elements(let pieces, .copy):
      try copy(pieces, elements, into: &output)
      return CastLoss()
    case .elements(let pieces, .cast(let dtype, .nearest))
    where pieces.allSatisfy({
      $0.scale == nil && ($0.tensor.dtype == .f64 || !dtype.isEightBitFloat)
    }):
      // From the input's own type, so that rounding happens once also from F64.
      return try castDirectly(pieces, to: dtype, elements, into: &output)
    case .elements(_, let encoding):
      return try store(elements, of: index, encoding, into: &output)
    }
  }

  private func store(
    _ elements: Range<Int>, of index: Int, _ encoding: TensorEncoding,
    into output: inout MutableRawSpan
  ) throws -> CastLoss {
    let scales = try self.scales(of: index)
    if case .coded = encoding { return try storeCodes(elements, of: index, scales, into: &output) }
    let scale = scales.first ?? 1
    var error = StoringError()
    let loss = try tensors[index].inRuns(elements, into: &output) { run, output in
      if let direct = try storeDirectly(run, of: index, encoding, scale: scale, into: &output) {
        error += direct.error
        return direct.loss
      }
      return try withValues(run, of: index) { values in
        let loss = encoding.store(
          &values, scale: scale, name: tensors[index].name, first: run.lowerBound, into: &output)
        // What is stored in few bits is read back at once, while the values are at hand.
        if encoding.isCoarse { error += self.error(of: output.bytes, encoding, values.span) }
        return loss
      }
    }
    if encoding.isCoarse {
      errors.add(error.times(scale), tensor: index, first: elements.lowerBound)
    }
    return loss
  }

  private func makeBlockScales(
    _ elements: Range<Int>, of weight: Int, into output: inout MutableRawSpan
  ) throws {
    guard let found = factors[weight]?.all else {
      return try tensors[weight].makeBlockScales(
        elements, factor: scales(of: weight).first ?? 1, into: &output
      ) { run, body in try withValues(run, of: weight) { body($0.span) } }
    }
    try tensors[weight].makeBlockScales(elements, into: &output) { blocks, output in
      for (place, block) in blocks.enumerated() { output[place] = found[block] }
    }
  }

  private func storeCodes(
    _ elements: Range<Int>, of index: Int, _ scales: [Float], into output: inout MutableRawSpan
  ) throws -> CastLoss {
    var error = StoringError()
    let loss = try tensors[index].inRuns(elements, into: &output) { run, output in
      try withValues(run, of: index) { values in
        try floats.withItem { buffer in
          let whole = buffer.mutableSpan
          var stored = whole._consumingExtracting(0..<values.count)
          copyNumbers(values.span, into: &stored)
          let loss = try tensors[index].storeAndLoad(
            &stored, scales: scales, first: run.lowerBound, into: &output,
            keeping: factors[index])
          error += StoringError(stored.span, values.span)
          return loss
        }
      }
    }
    errors.add(error, tensor: index, first: elements.lowerBound)
    return loss
  }

  /// How far stored bytes are from the values that went in, both before they are scaled.
  private func error(
    of bytes: RawSpan, _ encoding: TensorEncoding, _ values: Span<Float>
  ) -> StoringError {
    floats.withItem { buffer in
      let whole = buffer.mutableSpan
      var stored = whole._consumingExtracting(0..<values.count)
      encoding.load(bytes, scale: 1, into: &stored)
      return StoringError(stored.span, values)
    }
  }

  /// Runs the body with the values of some elements of the inputs, in float32, before they are
  /// stored; it may change them.
  package func withValues<Result>(
    _ elements: Range<Int>, of index: Int,
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) throws -> Result {
    guard case .elements(let pieces, _) = tensors[index].origin else {
      preconditionFailure("only elements have values")
    }
    return try floats.withItem { buffer in
      let whole = buffer.mutableSpan
      var values = whole._consumingExtracting(0..<elements.count)
      for (piece, range, position) in pieces.overlapping(elements) {
        var part = values._mutatingExtracting(position..<position + range.count)
        try piece.widen(range, into: &part)
      }
      return try body(&values)
    }
  }
}

/// Scales of whole tensors and rows.
extension PlainTensorMaker {
  /// The scales of a tensor; see ``PlannedTensor/scales(_:)``.
  package func scales(of index: Int) throws -> [Float] {
    guard tensors[index].encoding?.hasScales ?? false else { return [] }
    return try scales[index].value {
      try tensors[index].scales { try largestMagnitude($0, of: index) }
    }
  }
}

extension PlannedTensor {
  /// Makes the bytes of some elements run by run; see ``TensorPortions/runLength``.
  package func inRuns(
    _ elements: Range<Int>, into output: inout MutableRawSpan,
    _ make: (_ run: Range<Int>, _ output: inout MutableRawSpan) throws -> CastLoss
  ) throws -> CastLoss {
    var loss = CastLoss()
    for run in TensorPortions.runs(of: elements) {
      let start = byteCount(elements: run.lowerBound - elements.lowerBound)
      var part = output._mutatingExtracting(start..<start + byteCount(elements: run.count))
      loss += try make(run, &part)
    }
    return loss
  }
}

/// Bytes without values in between.
extension PlainTensorMaker {
  private func copy(
    _ pieces: [TensorPiece], _ elements: Range<Int>, into output: inout MutableRawSpan
  ) throws {
    for (piece, range, position) in pieces.overlapping(elements) {
      let dtype = piece.tensor.dtype
      let start = dtype.byteCount(elements: position)
      try piece.tensor.withBytes(dtype.byteRange(of: range)) { bytes in
        var part = output._mutatingExtracting(start..<start + bytes.byteCount)
        copyBytes(bytes, into: &part)
      }
    }
  }

  private func castDirectly(
    _ pieces: [TensorPiece], to dtype: DType, _ elements: Range<Int>,
    into output: inout MutableRawSpan
  ) throws -> CastLoss {
    var loss = CastLoss()
    for (piece, range, position) in pieces.overlapping(elements) {
      let source = piece.tensor.dtype
      let place = dtype.byteRange(of: position..<position + range.count)
      try piece.tensor.withBytes(source.byteRange(of: range)) { bytes in
        var part = output._mutatingExtracting(place)
        loss += cast(bytes, from: source, to: dtype, into: &part)
      }
    }
    return loss
  }
}

/// Copies numbers to the start of others.
private func copyNumbers(_ values: Span<Float>, into output: inout MutableSpan<Float>) {
  var bytes = unsafe output.mutableBytes
  unsafe copyBytes(values.bytes, into: &bytes)
}

/// Copies bytes to the start of others.
func copyBytes(_ bytes: RawSpan, into output: inout MutableRawSpan) {
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
  }
}
