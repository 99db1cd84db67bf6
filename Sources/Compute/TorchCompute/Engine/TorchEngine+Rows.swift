package import Compute

/// Norms, vectors that act on every row, sums over rows, parts of tensors.
extension TorchEngine {
  package func normalize(_ x: Tensor, _ form: NormForm) -> Normalized {
    let groups = x.count / form.width
    return sure {
      var rows = try session.operand(x, [groups, form.width]).to(.float32)
      if form.isCentred { rows = try rows.plus(rows.means, times: -1) }
      let reciprocals = try rows.times(rows).means.plus(form.epsilon).reciprocalRoots
      return Normalized(
        values: try activations(rows.times(reciprocals).view(x.shape), x.shape),
        reciprocals: tensor(try reciprocals.view([groups]), [groups]))
    }
  }

  /// r (dy - mean(dy) - y mean(dy y)), without the first mean where the norm is not centred.
  package func normalizeBackward(
    _ normalized: Normalized, _ form: NormForm, gradient dy: Tensor
  ) -> Tensor {
    let groups = dy.count / form.width
    return sure {
      let shape = [groups, form.width]
      let y = try session.operand(normalized.values, shape).to(.float32)
      let gradient = try session.operand(dy, shape).to(.float32)
      var dx = try gradient.plus(y.times(gradient.times(y).means), times: -1)
      if form.isCentred { dx = try dx.plus(gradient.means, times: -1) }
      let reciprocals = try session.operand(normalized.reciprocals, [groups, 1])
      return try activations(dx.times(reciprocals).view(dy.shape), dy.shape)
    }
  }

  package func scaleRows(
    _ x: Tensor, by scale: Tensor, offset: Float, shift: Tensor?
  ) -> Tensor {
    let width = scale.count
    precondition(shift.map { $0.count == width } ?? true, "scale and shift must agree")
    return sure {
      let factors = try session.constant(scale, [1, width]).to(.float32).plus(offset)
      var y = try session.operand(x, [x.count / width, width]).times(factors)
      if let shift { y = try y.plus(session.constant(shift, [1, width])) }
      return try activations(y.view(x.shape), x.shape)
    }
  }

  package func columnSums(_ a: Tensor, times b: Tensor?) -> Tensor {
    precondition(b.map { $0.shape == a.shape } ?? true, "shapes must agree")
    let shape = [a.rows, a.columns]
    return sure {
      var rows = try session.operand(a, shape).to(.float32)
      if let b { rows = try rows.times(session.operand(b, shape)) }
      return tensor(try rows.columnSums, [a.columns])
    }
  }

  package func gatedSum(_ residual: Tensor, _ x: Tensor, gate: Tensor) -> Tensor {
    sure {
      let factors = try session.constant(gate, [1, x.columns]).to(.float32)
      let gated = try session.operand(x, [x.rows, x.columns]).times(factors)
      return try activations(
        session.operand(residual, [x.rows, x.columns]).plus(gated), x.shape)
    }
  }

  package func add(_ vector: Tensor, toRowsOf x: inout Tensor) {
    precondition(vector.count == x.columns, "the vector must be [columns]")
    if x.onDevice == nil, vector.onDevice == nil { return host.add(vector, toRowsOf: &x) }
    x = sure {
      let rows = try session.operand(x, [x.rows, x.columns])
      return tensor(
        try rows.plus(session.constant(vector, [1, x.columns])).to(rows.type).view(x.shape), x.shape
      )
    }
  }

  package func concatenateRows(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.columns == b.columns, "both must have as many columns")
    return joined([a.rows + b.rows, a.columns], [(a, 0), (b, a.rows * a.columns)])
  }

  package func rows(_ range: Range<Int>, of x: Tensor) -> Tensor {
    cut([range.count, x.columns], from: range.lowerBound * x.columns, of: x)
  }

  package func spreadRows(_ rows: Tensor, from first: Int, in shape: [Int]) -> Tensor {
    joined(shape, [(rows, first * rows.columns)], isPartial: true)
  }

  package func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.rows == b.rows, "both must have as many rows")
    return joined([a.rows, a.columns + b.columns], [(a, 0), (b, a.columns)])
  }

  package func columns(_ range: Range<Int>, of x: Tensor) -> Tensor {
    cut([x.rows, range.count], from: range.lowerBound, of: x)
  }

  package func spreadColumns(_ parts: [(first: Int, columns: Tensor)], in shape: [Int]) -> Tensor {
    joined(shape, parts.map { ($0.columns, $0.first) }, isPartial: true)
  }

  /// Some rows and columns of a matrix, from an element on.
  private func cut(_ shape: [Int], from first: Int, of x: Tensor) -> Tensor {
    sure {
      // Modulation that is kept on the host is asked for in every pass.
      let whole = try session.constant(x)
      let part = try whole.view(shape, strides: [x.columns, 1], from: first)
      let result = try TorchTensor(emptyIn: session, whole.type, shape)
      try result.take(part)
      return tensor(result, shape)
    }
  }

  /// A matrix of others, each from an element of it on; zeros elsewhere where they leave something out.
  private func joined(
    _ shape: [Int], _ parts: [(matrix: Tensor, first: Int)], isPartial: Bool = false
  ) -> Tensor {
    sure {
      let operands = try parts.map { part in
        try session.operand(part.matrix, [part.matrix.rows, part.matrix.columns])
      }
      let type = operands.dropFirst().reduce(operands[0].type) { $0.joined($1.type) }
      let result = try TorchTensor(emptyIn: session, type, shape)
      if isPartial { try result.clear() }
      for (operand, part) in zip(operands, parts) {
        try result.view(operand.sizes, strides: [shape.last ?? 1, 1], from: part.first).take(
          operand)
      }
      return tensor(result, shape)
    }
  }
}
