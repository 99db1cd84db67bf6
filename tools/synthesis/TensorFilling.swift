internal import Concurrency
internal import Elements
internal import Synchronization
internal import Tensors

/// Fills the tensors of files with made-up values.
package final class TensorFilling: Sendable {
  /// Kinds of values.
  package enum Values: String, CaseIterable, Sendable {
    /// Zeros, which take no space.
    case zeros
    /// ``ValueSpread/uniform`` for every tensor.
    case gaussian
    /// ``ValueSpread/init(scaledFor:_:)``.
    case scaled
  }

  private let values: Values
  /// Nil for zeros.
  private let table: GaussianTable?
  private let report: @Sendable (_ byteCount: Int) throws -> Void
  /// Tensors and bytes so far: numbers go on from one file to the next, so that no two begin alike.
  private let done = Mutex((tensors: 0, bytes: 0))

  /// Elements that are made at a time: little enough to stay in a processor's cache.
  private static let portion = 1 << 17

  /// A filling for the files of one output.
  ///
  /// - Parameters:
  ///   - values: what to fill with.
  ///   - seed: of the values.
  ///   - report: told how many bytes there are so far, from several threads; what it throws ends the
  ///     work.
  package init(
    _ values: Values, seed: UInt64,
    report: @escaping @Sendable (_ byteCount: Int) throws -> Void = { _ in }
  ) {
    self.values = values
    table = values == .zeros ? nil : GaussianTable(seed: seed)
    self.report = report
  }

  /// Whether the files take no space.
  var isSparse: Bool { table == nil }

  /// Fills the tensors of one component.
  ///
  /// - Parameters:
  ///   - tensors: which, in the order of the files.
  ///   - deviations: of scaled values that shapes don't tell.
  ///   - write: writes bytes at an offset of a tensor; called from several threads.
  ///   - leaveZeros: notes that a tensor of a sparse file is zeros.
  /// - Throws: what writing throws.
  func fill(
    _ tensors: [TensorDescription], deviations: [StatedDeviation] = [],
    write: (RawSpan, _ tensor: Int, _ offset: Int) throws -> Void,
    leaveZeros: (_ tensor: Int) throws -> Void
  ) throws {
    for (index, tensor) in tensors.enumerated() {
      let number = done.withLock { $0.tensors }
      if let table {
        let spread =
          values == .scaled ? ValueSpread(scaledFor: tensor, deviations) : .uniform
        let count = tensor.shape.reduce(1, *)
        try Parallel.forEachThrowing((count + Self.portion - 1) / Self.portion, work: count) {
          let range = $0 * Self.portion..<min(count, ($0 + 1) * Self.portion)
          let bytes = table.bytes(of: range, ofTensor: number, like: spread, as: tensor.dtype)
          try write(
            unsafe bytes.span.bytes, index, range.lowerBound * tensor.dtype.bitCount / 8)
          try advance(by: bytes.count)
        }
      } else {
        try leaveZeros(index)
        try advance(by: tensor.dtype.byteCount(shape: tensor.shape) ?? 0)
      }
      done.withLock { $0.tensors += 1 }
    }
  }

  private func advance(by byteCount: Int) throws {
    try report(
      done.withLock {
        $0.bytes += byteCount
        return $0.bytes
      })
  }
}
