extension Tape {
  /// The rows of a, then those of b: `[rowsA + rowsB, columns]`.
  public func concatenatedRows(_ a: Variable, _ b: Variable) -> Variable {
    precondition(a.tensor.columns == b.tensor.columns, "both must have as many columns")
    let (first, second) = (a.tensor.rows, b.tensor.rows)
    let both = Tensor(
      shape: [first + second, a.tensor.columns], a.tensor.elements + b.tensor.elements)
    return record(both, from: [a, b]) { dy in
      [
        a.needsGradient ? dy.rows(0..<first) : nil,
        b.needsGradient ? dy.rows(first..<first + second) : nil,
      ]
    }
  }

  /// Some rows of x.
  public func rows(_ range: Range<Int>, of x: Variable) -> Variable {
    record(x.tensor.rows(range), from: [x]) { dy in
      var dx = Tensor(shape: x.tensor.shape, repeating: 0)
      let columns = x.tensor.columns
      dx.elements.replaceSubrange(
        range.lowerBound * columns..<range.upperBound * columns, with: dy.elements)
      return [dx]
    }
  }

  /// The columns of a, then those of b: `[rows, columnsA + columnsB]`.
  public func concatenatedColumns(_ a: Variable, _ b: Variable) -> Variable {
    precondition(a.tensor.rows == b.tensor.rows, "both must have as many rows")
    let (left, right) = (a.tensor.columns, b.tensor.columns)
    var both: [Float] = []
    both.reserveCapacity(a.tensor.count + b.tensor.count)
    for row in 0..<a.tensor.rows {
      both += a.tensor.elements[row * left..<(row + 1) * left]
      both += b.tensor.elements[row * right..<(row + 1) * right]
    }
    return record(Tensor(shape: [a.tensor.rows, left + right], both), from: [a, b]) { dy in
      [dy.columns(0..<left), dy.columns(left..<left + right)]
    }
  }
}

extension Tensor {
  /// Columns of a matrix in a range, copied.
  fileprivate func columns(_ range: Range<Int>) -> Tensor {
    var part: [Float] = []
    part.reserveCapacity(rows * range.count)
    for row in 0..<rows {
      part += elements[row * columns + range.lowerBound..<row * columns + range.upperBound]
    }
    return Tensor(shape: [rows, range.count], part)
  }
}
