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
  /// Gives the trainable factors of a layer gradients of zero, for a layer that was left out because the loss
  /// depends on nothing that it makes. Where peers compute it all the same their optimisers see zeros and
  /// apply weight decay; a layer without gradients is left alone.
  package func leaveOut(_ layer: LinearLayer) {
    guard mode == .recording else { return }
    for factors in adapters[layer.name] ?? [] where factors.isTrainable {
      let zeros = FactorGradients(
        down: engine.zeros(factors.down.shape), up: engine.zeros(factors.up.shape))
      factorGradients.add(zeros, to: layer.name, engine)
    }
  }

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
    var y = engine.product(x.tensor, transposed: layer.weight)
    if let bias = layer.bias { engine.add(bias, toRowsOf: &y) }
    var hidden: [Tensor] = []
    for factors in attached {
      let low = engine.product(
        x.tensor, transposeA: false, factors.down, transposeB: true, factor: 1)
      let part = engine.product(low, transposeA: false, factors.up, transposeB: true, factor: 1)
      engine.add(part, times: factors.scale, to: &y)
      if factors.isTrainable { hidden.append(low) }
    }
    let trains = attached.contains(where: \.isTrainable)
    let needsInput = x.needsGradient
    // What goes through a frozen layer leaves nothing to keep.
    let needed: [Needed] = trains ? [.value(of: x)] + hidden.map { .exact($0) } : []
    return record(y, from: [x], trains: trains, saving: needed) {
      [engine, factorGradients] saved, dy in
      var toInput: [(low: Tensor, down: Tensor)] = []
      var trained = 0
      for factors in attached where needsInput || factors.isTrainable {
        let dLow = engine.product(
          dy, transposeA: false, factors.up, transposeB: false, factor: factors.scale)
        if needsInput { toInput.append((dLow, factors.down)) }
        guard factors.isTrainable else { continue }
        trained += 1
        factorGradients.add(
          FactorGradients(
            down: engine.product(
              dLow, transposeA: true, saved[0], transposeB: false, factor: 1),
            up: engine.product(
              dy, transposeA: true, saved[trained], transposeB: false, factor: factors.scale)),
          to: layer.name, engine)
      }
      guard needsInput else { return [nil] }
      var dx = engine.product(dy, layer.weight)
      for (low, down) in toInput {
        let part = engine.product(low, transposeA: false, down, transposeB: false, factor: 1)
        engine.add(part, times: 1, to: &dx)
      }
      return [dx]
    }
  }
}
