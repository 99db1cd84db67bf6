/// Parts of tensors, and tensors of parts.
extension HostEngine {
  package func concatenateRows(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.columns == b.columns, "both must have as many columns")
    return unsafe Tensor(shape: [a.rows + b.rows, a.columns]) { whole in
      unsafe whole.copy(a, to: 0)
      unsafe whole.copy(b, to: a.count)
    }
  }

  package func rows(_ range: Range<Int>, of x: Tensor) -> Tensor { x.rows(range) }

  package func spreadRows(_ rows: Tensor, from first: Int, in shape: [Int]) -> Tensor {
    unsafe Tensor(shape: shape) { whole in
      unsafe whole.initialize(repeating: 0)
      unsafe whole.copy(rows, to: first * rows.columns)
    }
  }

  package func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.rows == b.rows, "both must have as many rows")
    let (left, right) = (a.columns, b.columns)
    return unsafe Tensor(shape: [a.rows, left + right]) { whole in
      for row in 0..<a.rows {
        let start = row * (left + right)
        unsafe whole.copy(a, row * left..<(row + 1) * left, to: start)
        unsafe whole.copy(b, row * right..<(row + 1) * right, to: start + left)
      }
    }
  }

  package func columns(_ range: Range<Int>, of x: Tensor) -> Tensor {
    unsafe Tensor(shape: [x.rows, range.count]) { part in
      for row in 0..<x.rows {
        let start = row * x.columns
        unsafe part.copy(
          x, start + range.lowerBound..<start + range.upperBound, to: row * range.count)
      }
    }
  }

  package func spreadColumns(_ parts: [(first: Int, columns: Tensor)], in shape: [Int]) -> Tensor {
    unsafe Tensor(shape: shape) { whole in
      unsafe whole.initialize(repeating: 0)
      let width = shape.last ?? 1
      for (first, columns) in parts {
        for row in 0..<columns.rows {
          let range = row * columns.columns..<(row + 1) * columns.columns
          unsafe whole.copy(columns, range, to: row * width + first)
        }
      }
    }
  }
}

extension UnsafeMutableBufferPointer<Float> {
  /// Puts elements of a tensor, or all, where they go.
  fileprivate func copy(_ tensor: Tensor, _ range: Range<Int>? = nil, to first: Int) {
    unsafe tensor.withFloats { elements in
      let range = range ?? 0..<elements.count
      guard let from = unsafe elements.baseAddress, let to = unsafe baseAddress else { return }
      unsafe (to + first).update(from: from + range.lowerBound, count: range.count)
    }
  }
}
