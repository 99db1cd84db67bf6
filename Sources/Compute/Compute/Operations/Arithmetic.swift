extension Tape {
  /// a + b, of one shape.
  public func sum(_ a: Variable, _ b: Variable) -> Variable {
    var sum = a.tensor
    engine.add(b.tensor, times: 1, to: &sum)
    return record(sum, from: [a, b]) { _, dy in [dy, dy] }
  }

  /// a · b element by element, of one shape.
  public func elementwiseProduct(_ a: Variable, _ b: Variable) -> Variable {
    let needs = (a: a.needsGradient, b: b.needsGradient)
    // Each gradient needs the other factor.
    let needed: [Needed] =
      (needs.a ? [.value(of: b)] : []) + (needs.b ? [.value(of: a)] : [])
    return record(engine.multiply(a.tensor, b.tensor), from: [a, b], saving: needed) {
      [engine] saved, dy in
      [
        needs.a ? engine.multiply(dy, saved[0]) : nil,
        needs.b ? engine.multiply(dy, saved[needs.a ? 1 : 0]) : nil,
      ]
    }
  }

  /// mean((x - target)²) as a scalar, summed in double precision.
  public func meanSquaredError(_ x: Variable, target: Tensor) -> Variable {
    let (mean, difference) = engine.meanSquare(x.tensor, minus: target)
    return record(mean, from: [x], saving: [.exact(difference)]) { [engine] saved, dy in
      [engine.meanSquareBackward(saved[0], gradient: dy)]
    }
  }
}
