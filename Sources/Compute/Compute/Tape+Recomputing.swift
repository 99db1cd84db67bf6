extension Tape {
  /// Runs a portion of a computation without keeping what its gradients need; the backward pass
  /// runs it again. Costs one more forward pass of the portion, saves all its activations but
  /// inputs and outputs. The gradients are the same either way.
  ///
  /// Source: Chen et al., "Training deep nets with sublinear memory cost" (arXiv 1604.06174).
  ///
  /// - Parameters:
  ///   - inputs: what the portion starts from; kept as it is, so that what is computed again is the same.
  ///   - isRecomputed: whether it is run again; else its activations are kept.
  ///   - body: the portion, on the tape it is given; it must depend on nothing else that needs a
  ///     gradient, and compute the same every time.
  /// - Returns: what the portion returns.
  public func recomputing(
    _ inputs: [Variable], if isRecomputed: Bool = true,
    _ body: @escaping (Tape, [Variable]) -> [Variable]
  ) -> [Variable] {
    // Nothing is made again across the border of the portion: rounded, what it is made of would tell whether
    // the portion is run again.
    guard isRecomputed, mode == .recording else {
      return body(self, inputs.map(\.keptItself)).map(\.keptItself)
    }
    let tracker = Tape(
      mode: .tracking, engine: engine, adapters: adapters, factorGradients: factorGradients)
    let tracked = inputs.map {
      $0.needsGradient ? tracker.variable($0.tensor) : Variable(constant: $0.tensor)
    }
    let outputs = body(tracker, tracked)
    let dependent = outputs.map(\.needsGradient)
    guard dependent.contains(true) else { return outputs }
    let needs = inputs.map(\.needsGradient)
    return record(
      outputs.map(\.tensor), from: inputs, dependent: dependent, trains: true,
      kept: inputs.map { Kept($0.tensor) }
    ) { [engine, adapters, factorGradients] saved, gradients in
      let tape = Tape(
        mode: .recording, engine: engine, adapters: adapters, factorGradients: factorGradients)
      let again = needs.enumerated().map { index, needs in
        needs ? tape.variable(saved[index]) : Variable(constant: saved[index])
      }
      let results = body(tape, again)
      let seeds = zip(results, gradients).compactMap { result, gradient in
        gradient.map { (result, $0) }
      }
      let inputGradients = tape.runBackward(from: seeds)
      return again.map { $0.id.flatMap { inputGradients[$0] } }
    }
  }
}
