/// What is added to some rows of a tensor: the sum of what adapters do to one parameter.
package struct ParameterDelta: Sendable {
  /// The module; of a bias, the module's path with `.bias`.
  package let module: String
  /// The rows of the tensor that are changed.
  package let rows: Range<Int>
  /// Elements of a row.
  package let columns: Int
  private let parts: [any DeltaPart]

  /// The sum of parts, which all have these rows.
  package init(module: String, rows: Range<Int>, columns: Int, parts: [any DeltaPart]) {
    precondition(!parts.isEmpty, "a change has parts")
    self.module = module
    self.rows = rows
    self.columns = columns
    self.parts = parts
  }

  /// A low-rank change alone.
  package init(_ part: LowRankDelta) {
    self.init(module: part.module, rows: part.rows, columns: part.columns, parts: [part])
  }

  /// The elements of the tensor that are changed.
  package var elements: Range<Int> { rows.lowerBound * columns..<rows.upperBound * columns }

  /// Computes some of its elements, in double precision.
  ///
  /// - Parameters:
  ///   - range: elements of the tensor, all of them in ``elements``.
  ///   - base: the base's numbers.
  ///   - output: where the first of them goes; the others follow.
  /// - Throws: when the base can't be read.
  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) throws {
    unsafe try parts[0].compute(range, of: base, into: output)
    guard parts.count > 1 else { return }
    unsafe try withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count) { buffer in
      guard let own = buffer.baseAddress else { return }
      for part in parts.dropFirst() {
        unsafe try part.compute(range, of: base, into: own)
        for index in 0..<range.count { unsafe output[index] += own[index] }
      }
    }
  }
}

/// One adapter's contribution, or that of several alike.
package protocol DeltaPart: Sendable {
  /// Computes elements of a tensor's change, in double precision: as
  /// ``ParameterDelta/compute(_:of:into:)``.
  func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>) throws
}

/// The base's numbers, for changes that depend on them.
package struct BaseNumbers {
  /// Those of the elements that are computed.
  let values: UnsafePointer<Float>
  /// Reads others: of a tensor of the output, by its position.
  let read:
    (
      _ tensor: Int, _ elements: Range<Int>, _ body: (Span<Float>) throws -> Void
    ) throws -> Void
}

extension LowRankDelta: DeltaPart {
  package func compute(
    _ range: Range<Int>, of base: BaseNumbers, into output: UnsafeMutablePointer<Double>
  ) { unsafe compute(range, into: output) }
}

/// Where the rows of a part come from.
struct PartRows {
  /// The tensor's first row that it changes.
  let first: Int
  /// For each of the tensor's rows from there on, the row of the adapter's own numbers.
  let sources: [Int]
  /// Elements of a row.
  let columns: Int

  /// Runs the body for every row that a range of a tensor's elements touches: its row of the
  /// adapter's numbers, the columns, and where their first goes.
  func forEach(
    _ range: Range<Int>,
    _ body: (_ source: Int, _ columns: Range<Int>, _ offset: Int) throws -> Void
  ) rethrows {
    var start = range.lowerBound
    while start < range.upperBound {
      let (row, column) = start.quotientAndRemainder(dividingBy: columns)
      let end = min(range.upperBound, (row + 1) * columns)
      try body(
        sources[row - first], column..<column + end - start, start - range.lowerBound)
      start = end
    }
  }
}
