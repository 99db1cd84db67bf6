internal import Concurrency

/// Parts of tensors, and tensors of parts.
extension HostEngine {
  package func concatenateRows(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.columns == b.columns, "both must have as many columns")
    return unsafe Tensor(shape: [a.rows + b.rows, a.columns]) { whole in
      let whole = unsafe RowsBeingFilled(whole, width: a.columns)
      unsafe whole.copy(a)
      unsafe whole.copy(b, row: a.rows)
    }
  }

  package func rows(_ range: Range<Int>, of x: Tensor) -> Tensor { x.rows(range) }

  package func spreadRows(_ rows: Tensor, from first: Int, in shape: [Int]) -> Tensor {
    unsafe Tensor(shape: shape) { whole in
      guard rows.columns > 0 else { return }
      let whole = unsafe RowsBeingFilled(whole, width: rows.columns)
      unsafe whole.clear(rows: 0..<first)
      unsafe whole.copy(rows, row: first)
      unsafe whole.clear(rows: first + rows.rows..<whole.count)
    }
  }

  package func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.rows == b.rows, "both must have as many rows")
    let width = a.columns + b.columns
    return unsafe Tensor(shape: [a.rows, width]) { whole in
      let whole = unsafe RowsBeingFilled(whole, width: width)
      unsafe whole.copy(a)
      unsafe whole.copy(b, column: a.columns)
    }
  }

  package func columns(_ range: Range<Int>, of x: Tensor) -> Tensor {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.columns, "columns that x has")
    return unsafe Tensor(shape: [x.rows, range.count]) { part in
      unsafe RowsBeingFilled(part, width: range.count).copy(x, columns: range)
    }
  }

  package func spreadColumns(_ parts: [(first: Int, columns: Tensor)], in shape: [Int]) -> Tensor {
    unsafe Tensor(shape: shape) { whole in
      let width = shape.last ?? 1
      let whole = unsafe RowsBeingFilled(whole, width: width)
      var end = 0
      for (first, columns) in parts.sorted(by: { $0.first < $1.first }) {
        precondition(first >= end && columns.rows == (unsafe whole.count), "parts side by side")
        unsafe whole.clear(columns: end..<first)
        unsafe whole.copy(columns, column: first)
        end = first + columns.columns
      }
      unsafe whole.clear(columns: end..<width)
    }
  }
}

/// Rows of a new tensor, which several threads fill: its pages come into being as they are written, which takes
/// as long as the copying.
@unsafe private struct RowsBeingFilled {
  private let start: UnsafeMutablePointer<Float>?
  private let width: Int
  /// How many there are.
  let count: Int

  init(_ elements: UnsafeMutableBufferPointer<Float>, width: Int) {
    unsafe start = elements.baseAddress
    unsafe self.width = width
    unsafe count = width == 0 ? 0 : elements.count / width
  }

  /// Puts all rows of a tensor, or these columns of them, where they go.
  ///
  /// - Parameters:
  ///   - x: the tensor.
  ///   - columns: which of its columns; nil: all.
  ///   - row: the row where its first one goes.
  ///   - column: the column where the first one goes.
  func copy(_ x: Tensor, columns: Range<Int>? = nil, row: Int = 0, column: Int = 0) {
    let columns = columns ?? 0..<x.columns
    unsafe x.withFloats { floats in
      guard let from = floats.baseAddress else { return }
      unsafe fill(row..<row + x.rows, column..<column + columns.count) { place, filled in
        let source = unsafe from + (filled - row) * x.columns + columns.lowerBound
        unsafe place.update(from: source, count: columns.count)
      }
    }
  }

  /// Makes columns of some rows zero.
  func clear(rows: Range<Int>? = nil, columns: Range<Int>? = nil) {
    let columns = unsafe columns ?? 0..<width
    unsafe fill(rows ?? 0..<count, columns) { place, _ in
      unsafe place.update(repeating: 0, count: columns.count)
    }
  }

  private func fill(
    _ rows: Range<Int>, _ columns: Range<Int>,
    _ body: (_ place: UnsafeMutablePointer<Float>, _ row: Int) -> Void
  ) {
    guard let start = unsafe start, !columns.isEmpty else { return }
    Parallel.forEachRange(
      of: rows.count, size: rowsPerCall(width: columns.count), work: rows.count * columns.count
    ) {
      for row in $0 {
        let row = rows.lowerBound + row
        unsafe body(start + row * width + columns.lowerBound, row)
      }
    }
  }
}
