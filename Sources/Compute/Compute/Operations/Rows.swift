extension Tape {
  /// The rows of a, then those of b: `[rowsA + rowsB, columns]`.
  public func concatenatedRows(_ a: Variable, _ b: Variable) -> Variable {
    let (first, second) = (a.tensor.rows, b.tensor.rows)
    let needs = (a: a.needsGradient, b: b.needsGradient)
    return record(engine.concatenateRows(a.tensor, b.tensor), from: [a, b]) { [engine] _, dy in
      [
        needs.a ? engine.rows(0..<first, of: dy) : nil,
        needs.b ? engine.rows(first..<first + second, of: dy) : nil,
      ]
    }
  }

  /// Some rows of x.
  public func rows(_ range: Range<Int>, of x: Variable) -> Variable {
    let shape = x.tensor.shape
    return record(engine.rows(range, of: x.tensor), from: [x]) { [engine] _, dy in
      [engine.spreadRows(dy, from: range.lowerBound, in: shape)]
    }
  }

  /// The columns of a, then those of b: `[rows, columnsA + columnsB]`.
  public func concatenatedColumns(_ a: Variable, _ b: Variable) -> Variable {
    let (left, right) = (a.tensor.columns, b.tensor.columns)
    return record(engine.concatenateColumns(a.tensor, b.tensor), from: [a, b]) { [engine] _, dy in
      [engine.columns(0..<left, of: dy), engine.columns(left..<left + right, of: dy)]
    }
  }
}
