internal import Synchronization
package import Tensors

extension TensorMaker {
  /// A part of a tensor that one thread makes and writes.
  private struct Unit {
    let tensor: Int
    let elements: Range<Int>
  }

  /// Makes every tensor and writes it, on all threads, and commits.
  ///
  /// - Parameters:
  ///   - sink: where the bytes go.
  ///   - progress: called with bytes that were written, from any thread; may throw to stop.
  /// - Returns: what rounding lost, tensor by tensor.
  /// - Throws: what can't be read or written, or what `progress` throws; then nothing is committed.
  package func write(
    to sink: TensorSink, progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    let units = tensors.indices.flatMap(units(of:))
    let losses = Mutex(Array(repeating: CastLoss(), count: tensors.count))
    let failure = Mutex<(any Error)?>(nil)
    Parallel.forEach(units.count, work: .max) { number in
      guard failure.withLock({ $0 == nil }) else { return }
      do {
        let loss = try write(units[number], to: sink, progress)
        losses.withLock { $0[units[number].tensor] += loss }
      } catch { failure.withLock { if $0 == nil { $0 = error } } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    try sink.commit()
    return losses.withLock { $0 }
  }

  /// Portions of a tensor. One with a scale, which takes a pass over all of it, is a unit by itself:
  /// threads that share it would wait for each other.
  private func units(of index: Int) -> [Unit] {
    let count = tensors[index].elementCount
    if case .elements(_, .scaled) = tensors[index].origin, count > 0 {
      return [Unit(tensor: index, elements: 0..<count)]
    }
    return stride(from: 0, to: count, by: Self.portion).map {
      Unit(tensor: index, elements: $0..<min(count, $0 + Self.portion))
    }
  }

  private func write(
    _ unit: Unit, to sink: TensorSink, _ progress: (Int) throws -> Void
  ) throws -> CastLoss {
    var sum = CastLoss()
    for start in stride(
      from: unit.elements.lowerBound, to: unit.elements.upperBound, by: Self.portion)
    {
      let part = start..<min(unit.elements.upperBound, start + Self.portion)
      let offset = tensors[unit.tensor].byteCount(elements: start)
      try withBytes(part, of: unit.tensor) { bytes, loss in
        try sink.write(bytes, unit.tensor, offset)
        sum += loss
        try progress(bytes.byteCount)
      }
    }
    return sum
  }
}
