/// Parts of tensors, and tensors of parts.
extension HostEngine {
  package func concatenateRows(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.columns == b.columns, "both must have as many columns")
    return Tensor(shape: [a.rows + b.rows, a.columns], a.elements + b.elements)
  }

  package func rows(_ range: Range<Int>, of x: Tensor) -> Tensor { x.rows(range) }

  package func spreadRows(_ rows: Tensor, from first: Int, in shape: [Int]) -> Tensor {
    var whole = Tensor(shape: shape, repeating: 0)
    let start = first * whole.columns
    whole.elements.replaceSubrange(start..<start + rows.count, with: rows.elements)
    return whole
  }

  package func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.rows == b.rows, "both must have as many rows")
    let (left, right) = (a.columns, b.columns)
    var both: [Float] = []
    both.reserveCapacity(a.count + b.count)
    for row in 0..<a.rows {
      both += a.elements[row * left..<(row + 1) * left]
      both += b.elements[row * right..<(row + 1) * right]
    }
    return Tensor(shape: [a.rows, left + right], both)
  }

  package func columns(_ range: Range<Int>, of x: Tensor) -> Tensor {
    var part: [Float] = []
    part.reserveCapacity(x.rows * range.count)
    for row in 0..<x.rows {
      part += x.elements[row * x.columns + range.lowerBound..<row * x.columns + range.upperBound]
    }
    return Tensor(shape: [x.rows, range.count], part)
  }
}
