extension Tape {
  /// The rows of a, then those of b: `[rowsA + rowsB, columns]`.
  public func concatenatedRows(_ a: Variable, _ b: Variable) -> Variable {
    let (first, second) = (a.tensor.rows, b.tensor.rows)
    let needs = (a: a.needsGradient, b: b.needsGradient)
    let y = record(engine.concatenateRows(a.tensor, b.tensor), from: [a, b]) { [engine] _, dy in
      [
        needs.a ? engine.rows(0..<first, of: dy) : nil,
        needs.b ? engine.rows(first..<first + second, of: dy) : nil,
      ]
    }
    return remade(y, of: [a, b]) { [engine] in engine.concatenateRows($0[0], $0[1]) }
  }

  /// Some rows of x.
  public func rows(_ range: Range<Int>, of x: Variable) -> Variable {
    let shape = x.tensor.shape
    let y = record(engine.rows(range, of: x.tensor), from: [x]) { [engine] _, dy in
      [engine.spreadRows(dy, from: range.lowerBound, in: shape)]
    }
    return remade(y, of: [x]) { [engine] in engine.rows(range, of: $0[0]) }
  }

  /// The columns of a, then those of b: `[rows, columnsA + columnsB]`.
  public func concatenatedColumns(_ a: Variable, _ b: Variable) -> Variable {
    let (left, right) = (a.tensor.columns, b.tensor.columns)
    let y = record(engine.concatenateColumns(a.tensor, b.tensor), from: [a, b]) {
      [engine] _, dy in
      [engine.columns(0..<left, of: dy), engine.columns(left..<left + right, of: dy)]
    }
    return remade(y, of: [a, b]) { [engine] in engine.concatenateColumns($0[0], $0[1]) }
  }
}
