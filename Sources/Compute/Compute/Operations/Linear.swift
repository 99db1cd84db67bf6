/// A frozen linear layer, with the name under which adapters find it.
public struct LinearLayer: Sendable {
  /// The module's path in its model, such as `transformer_blocks.0.attn.to_q`.
  public let name: String
  /// `[outFeatures, inFeatures]`, in its file's dtype.
  public let weight: Weight
  /// `[outFeatures]`.
  public let bias: Tensor?

  /// A layer of these weights.
  public init(name: String, weight: Weight, bias: Tensor? = nil) {
    precondition(bias.map { $0.count == weight.rows } ?? true, "bias must be [outFeatures]")
    self.name = name
    self.weight = weight
    self.bias = bias
  }
}

extension Tape {
  /// x · Wᵀ + b, and what the attached adapters add.
  ///
  /// Gradients: dx = dy · W + s (dy · B) · A, dB = s dyᵀ · (x · Aᵀ), dA = s (dy · B)ᵀ · x.
  ///
  /// - Parameters:
  ///   - x: `[tokens, inFeatures]`.
  ///   - layer: the frozen layer.
  /// - Returns: `[tokens, outFeatures]`.
  public func linear(_ x: Variable, _ layer: LinearLayer) -> Variable {
    let attached = adapters[layer.name] ?? []
    var y = product(x.tensor, transposed: layer.weight)
    if let bias = layer.bias { y.addToRows(bias) }
    var hidden: [Tensor] = []
    for factors in attached {
      let low = product(x.tensor, factors.down, transposeB: true)
      y.add(product(low, factors.up, transposeB: true), times: factors.scale)
      hidden.append(low)
    }
    let trains = attached.contains(where: \.isTrainable)
    return record(y, from: [x], trains: trains) { [factorGradients, hidden] dy in
      var dx = x.needsGradient ? product(dy, layer.weight) : nil
      for (factors, low) in zip(attached, hidden) where x.needsGradient || factors.isTrainable {
        let dLow = product(dy, factors.up, factor: factors.scale)
        if factors.isTrainable {
          factorGradients.add(
            FactorGradients(
              down: product(dLow, transposeA: true, x.tensor),
              up: product(dy, transposeA: true, low, factor: factors.scale)),
            to: layer.name)
        }
        dx?.add(product(dLow, factors.down))
      }
      return [dx]
    }
  }
}

extension Tensor {
  /// Adds a vector `[columns]` to every row.
  mutating func addToRows(_ vector: Tensor) {
    precondition(vector.count == columns, "the vector must be [columns]")
    let (rows, columns) = (rows, columns)
    unsafe elements.withUnsafeMutableBufferPointer { y in
      unsafe vector.elements.withUnsafeBufferPointer { b in
        for row in 0..<rows {
          for column in 0..<columns { unsafe y[row * columns + column] += b[column] }
        }
      }
    }
  }
}
