internal import CKernels
internal import Concurrency
package import Elements
package import Rewriting
internal import Synchronization
package import Tensors

/// Makes the tensors of a merge: those of the base, with what is added to them, rounded once; and
/// notes what survives the rounding.
package final class BakeMaker: TensorMaker {
  package let tensors: [PlannedTensor]
  private let base: PlainTensorMaker
  private let deltas: [[ParameterDelta]]
  private let scales: [FoundOnce<[Float]>]
  private let floats = Pool<[Float]> { Array(repeating: 0, count: TensorPortions.runLength) }
  private let doubles = Pool<[Double]> { Array(repeating: 0, count: TensorPortions.runLength) }
  private let digest = BaseDigest()
  /// What survived, by tensor and delta, part by part as threads came to them.
  private let parts = Mutex<[SurvivalPart]>([])

  private struct SurvivalPart {
    let tensor: Int
    let delta: Int
    let first: Int
    let survival: Survival
  }

  /// - Parameters:
  ///   - tensors: the base in the form that is written.
  ///   - deltas: what is added to each of them.
  package init(_ tensors: [PlannedTensor], deltas: [[ParameterDelta]]) {
    precondition(tensors.count == deltas.count, "deltas belong to tensors")
    self.tensors = tensors
    self.deltas = deltas
    base = PlainTensorMaker(tensors)
    scales = tensors.map { _ in FoundOnce() }
  }

  package func bytesInPlace(
    _ elements: Range<Int>, of index: Int
  ) -> (tensor: TensorView, range: Range<Int>)? {
    deltas[index].isEmpty ? base.bytesInPlace(elements, of: index) : nil
  }

  package func make(
    _ elements: Range<Int>, of index: Int, into output: inout MutableRawSpan
  ) throws -> CastLoss {
    if case .scale(let weight) = tensors[index].origin, !deltas[weight].isEmpty {
      storeScales(try scales(of: weight)[elements], into: &output)
      return CastLoss()
    }
    if case .blockScales(let weight, _) = tensors[index].origin, !deltas[weight].isEmpty {
      try tensors[weight].makeBlockScales(
        elements, factor: scales(of: weight).first ?? 1, into: &output
      ) { run, body in try withMerged(run, of: weight) { _, _, merged in body(merged.span) } }
      return CastLoss()
    }
    guard case .elements(let pieces, let encoding) = tensors[index].origin,
      !deltas[index].isEmpty
    else { return try base.make(elements, of: index, into: &output) }
    let scales = try self.scales(of: index)
    return try tensors[index].inRuns(elements, into: &output) { run, output in
      try withMerged(run, of: index) { values, wanted, merged in
        let loss = try tensors[index].storeAndLoad(
          &merged, scales: scales, first: run.lowerBound, into: &output)
        if !encoding.stores(pieces) { try storeAndLoad(&values, run, of: index) }
        note(wanted, before: values.span, after: merged.span, run, of: index)
        return loss
      }
    }
  }

  /// Makes the merged numbers of some elements in float32; those of tensors that nothing is added to, too.
  /// What survives rounding is not noted.
  ///
  /// - Parameters:
  ///   - elements: which, at most ``TensorPortions/runLength``.
  ///   - index: of the tensor.
  ///   - output: as many numbers.
  /// - Throws: when the base can't be read.
  func merged(
    _ elements: Range<Int>, of index: Int, into output: inout MutableSpan<Float>
  ) throws {
    try unsafe output.withUnsafeMutableBufferPointer { output in
      try withMerged(elements, of: index) { _, _, merged in
        unsafe merged.span.withUnsafeBufferPointer { _ = unsafe output.update(fromContentsOf: $0) }
      }
    }
  }

  package func wrote(_ elements: Range<Int>, of index: Int) throws {
    try digest.add(elements, of: tensors[index])
  }

  /// A digest of the base's tensors, when all were written; see ``BaseDigest``.
  var baseDigest: String? { digest.hexadecimal }

  /// What survived, module by module, in the order of tensors and rows.
  package var survivals: [ModuleSurvival] {
    var sums = deltas.map { $0.map { _ in Survival() } }
    // In the order of elements, so that sums don't depend on which thread was first.
    let sorted = parts.withLock { $0 }.sorted {
      ($0.tensor, $0.first, $0.delta) < ($1.tensor, $1.first, $1.delta)
    }
    for part in sorted {
      sums[part.tensor][part.delta] = sums[part.tensor][part.delta] + part.survival
    }
    var found: [ModuleSurvival] = []
    for (delta, sum) in zip(deltas.joined(), sums.joined()) {
      // Exchanged halves are two runs of one module.
      if let last = found.last, last.module == delta.module {
        found[found.count - 1] = ModuleSurvival(
          module: last.module, survival: last.survival + sum)
      } else {
        found.append(ModuleSurvival(module: delta.module, survival: sum))
      }
    }
    return found
  }
}

extension BakeMaker {
  /// The scales of a merged weight's codes.
  private func scales(of index: Int) throws -> [Float] {
    guard tensors[index].encoding?.hasScales ?? false else { return [] }
    return try scales[index].value {
      try tensors[index].scales { run in
        try withMerged(run, of: index) { _, _, merged in largestMagnitude(merged.span) }
      }
    }
  }

  /// Runs the body with the base's values, what is added to them, and the sums: W + delta in double
  /// precision, rounded to float32 once.
  private func withMerged<Result>(
    _ elements: Range<Int>, of index: Int,
    _ body: (
      _ values: inout MutableSpan<Float>, _ wanted: Span<Double>,
      _ merged: inout MutableSpan<Float>
    ) throws -> Result
  ) throws -> Result {
    try base.withValues(elements, of: index) { values in
      try floats.withItem { buffer in
        try doubles.withItem { wanted in
          let whole = buffer.mutableSpan
          var merged = whole._consumingExtracting(0..<elements.count)
          try add(to: values.span, elements, of: index, wanted: &wanted, into: &merged)
          return try body(&values, wanted.span, &merged)
        }
      }
    }
  }

  private func add(
    to values: Span<Float>, _ elements: Range<Int>, of index: Int, wanted: inout [Double],
    into merged: inout MutableSpan<Float>
  ) throws {
    unsafe try values.withUnsafeBufferPointer { values in
      unsafe try merged.withUnsafeMutableBufferPointer { merged in
        unsafe try wanted.withUnsafeMutableBufferPointer { wanted in
          guard let from = values.baseAddress, let to = merged.baseAddress,
            let wanted = wanted.baseAddress
          else { return }
          unsafe to.update(from: from, count: values.count)
          for delta in deltas[index] {
            let part = delta.elements.clamped(to: elements)
            guard !part.isEmpty else { continue }
            let first = part.lowerBound - elements.lowerBound
            let base = unsafe BaseNumbers(values: from + first, read: readBase)
            unsafe try delta.compute(part, of: base, into: wanted + first)
            unsafe ck_add_delta(from + first, wanted + first, part.count, to + first)
          }
        }
      }
    }
  }

  /// The base's numbers of any tensor.
  private func readBase(
    tensor: Int, elements: Range<Int>, _ body: (Span<Float>) throws -> Void
  ) throws {
    let length = TensorPortions.runLength
    guard elements.count > length else {
      return try base.withValues(elements, of: tensor) { try body($0.span) }
    }
    var whole: [Float] = []
    for start in stride(from: elements.lowerBound, to: elements.upperBound, by: length) {
      let run = start..<min(start + length, elements.upperBound)
      try base.withValues(run, of: tensor) { values in
        for index in values.indices { whole.append(values[index]) }
      }
    }
    try body(whole.span)
  }

  /// What the base alone would be in the output: it may lose something too.
  private func storeAndLoad(
    _ values: inout MutableSpan<Float>, _ elements: Range<Int>, of index: Int
  ) throws {
    var bytes = [UInt8](repeating: 0, count: tensors[index].byteCount(elements: elements.count))
    var span = bytes.mutableSpan
    var output = unsafe span.mutableBytes
    _ = try tensors[index].storeAndLoad(
      &values, scales: base.scales(of: index), first: elements.lowerBound, into: &output)
  }

  private func note(
    _ wanted: Span<Double>, before: Span<Float>, after: Span<Float>, _ elements: Range<Int>,
    of index: Int
  ) {
    for (number, delta) in deltas[index].enumerated() {
      let part = delta.elements.clamped(to: elements)
      guard !part.isEmpty else { continue }
      let first = part.lowerBound - elements.lowerBound
      var totals = [0.0, 0, 0, 0]
      unsafe wanted.withUnsafeBufferPointer { wanted in
        unsafe before.withUnsafeBufferPointer { before in
          unsafe after.withUnsafeBufferPointer { after in
            guard let wanted = wanted.baseAddress, let before = before.baseAddress,
              let after = after.baseAddress
            else { return }
            unsafe ck_add_survival(
              wanted + first, before + first, after + first, part.count, &totals)
          }
        }
      }
      let survival = Survival(totals: totals, count: part.count)
      parts.withLock {
        $0.append(
          SurvivalPart(
            tensor: index, delta: number, first: part.lowerBound, survival: survival))
      }
    }
  }
}

extension TensorEncoding {
  /// Whether the pieces are stored in this way already, so that storing them loses nothing.
  fileprivate func stores(_ pieces: [TensorPiece]) -> Bool {
    switch self {
    case .copy: true
    case .cast(let dtype, _): pieces.allSatisfy { $0.tensor.dtype == dtype && $0.scale == nil }
    case .scaled(let dtype, _):
      pieces.allSatisfy { $0.tensor.dtype == dtype && $0.scale?.single != nil }
    case .coded(let quantizer):
      pieces.allSatisfy { piece in
        piece.tensor.encoding == quantizer.codes
          && piece.scale?.isPlain == (quantizer.blockLength == nil)
      }
    case .block: false
    }
  }
}
