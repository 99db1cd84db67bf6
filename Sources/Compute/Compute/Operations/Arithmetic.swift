extension Tape {
  /// a + b, of one shape.
  public func sum(_ a: Variable, _ b: Variable) -> Variable {
    var sum = a.tensor
    sum.add(b.tensor)
    return record(sum, from: [a, b]) { dy in [dy, dy] }
  }

  /// a · b element by element, of one shape.
  public func elementwiseProduct(_ a: Variable, _ b: Variable) -> Variable {
    record(multiply(a.tensor, b.tensor), from: [a, b]) { dy in
      [
        a.needsGradient ? multiply(dy, b.tensor) : nil,
        b.needsGradient ? multiply(dy, a.tensor) : nil,
      ]
    }
  }

  /// mean((x - target)²) as a scalar, summed in double precision.
  public func meanSquaredError(_ x: Variable, target: Tensor) -> Variable {
    precondition(x.tensor.count == target.count, "x and the target must have as many elements")
    let difference = Tensor(
      shape: x.tensor.shape, zip(x.tensor.elements, target.elements).map { $0 - $1 })
    let mean =
      difference.elements.reduce(0.0) { $0 + Double($1) * Double($1) }
      / Double(difference.count)
    return record(Tensor(shape: [], [Float(mean)]), from: [x]) { dy in
      let factor = dy.elements[0] * 2 / Float(difference.count)
      return [Tensor(shape: difference.shape, difference.elements.map { $0 * factor })]
    }
  }
}

private func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
  unsafe zipElements(a, b) { a, b, y, count in
    for i in 0..<count { unsafe y[i] = a[i] * b[i] }
  }
}
