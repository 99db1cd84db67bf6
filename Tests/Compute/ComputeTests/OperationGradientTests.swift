import Compute
import Testing

@Suite("Gradients agree with finite differences")
struct OperationGradientTests {
  @Test("of a linear layer, with respect to its input", arguments: [false, true])
  func linear(isAdapted: Bool) {
    let layer = LinearLayer(
      name: "l", weight: Weight(sample([6, 5], 1)), bias: sample([6], 2))
    let factors = LowRankFactors(down: sample([2, 5], 3), up: sample([6, 2], 4), scale: 0.5)
    expectGradient(of: [sample([4, 5], 5)]) { tape, inputs in
      let attached = Tape(
        mode: tape.mode, engine: tape.engine, adapters: isAdapted ? ["l": [factors]] : [:],
        factorGradients: tape.factorGradients)
      guard tape.mode == .recording else { return attached.linear(inputs[0], layer) }
      // The tape of the comparison has no adapters: run the layer as a portion of its own.
      let x = attached.variable(inputs[0].tensor)
      let y = attached.linear(x, layer)
      return tape.record(y.tensor, from: [inputs[0]]) { _, dy in
        [attached.runBackward(from: [(y, dy)])[x.id ?? -1]]
      }
    }
  }

  @Test("of an adapter's factors, alone or beside one that only acts", arguments: [false, true])
  func ofAnAdaptersFactors(isBesideAnother: Bool) {
    let still = LowRankFactors(down: sample([3, 5], 21), up: sample([6, 3], 22), scale: 0.7)
    func attached(_ factors: LowRankFactors) -> AttachedAdapters {
      ["l": isBesideAnother ? [still, factors] : [factors]]
    }
    let layer = LinearLayer(name: "l", weight: Weight(sample([6, 5], 1)))
    let x = Variable(constant: sample([4, 5], 5))
    let weights = sample([4, 6], 9)
    func loss(_ factors: LowRankFactors) -> Double {
      dot(Tape(mode: .inference, adapters: attached(factors)).linear(x, layer).tensor, weights)
    }
    let factors = LowRankFactors(
      down: sample([2, 5], 3), up: sample([6, 2], 4), scale: 0.5, isTrainable: true)
    let tape = Tape(mode: .recording, adapters: attached(factors))
    let y = tape.linear(x, layer)
    tape.runBackward(from: [(y, weights)])
    let gradients = tape.gradients["l"]
    // The loss is linear in each factor by itself: any step gives the slope, up to rounding.
    for (direction, path, gradient) in [
      (sample([2, 5], 11), \LowRankFactors.down, gradients?.down),
      (sample([6, 2], 12), \LowRankFactors.up, gradients?.up),
    ] {
      var moved = factors
      moved[keyPath: path].add(direction)
      let slope = loss(moved) - loss(factors)
      let expected = gradient.map { dot($0, direction) } ?? .nan
      #expect(abs(slope - expected) < 1e-5 * abs(slope) + 1e-5)
    }
  }

  @Test("of attention", arguments: [(5, 5, false), (130, 70, false), (140, 140, true)])
  func attention(queries: Int, keys: Int, isCausal: Bool) {
    // 130 and 140 queries take two tiles.
    let form = AttentionForm(heads: 2, scale: 0.5, isCausal: isCausal)
    expectGradient(
      of: [sample([queries, 8], 1), sample([keys, 8], 2), sample([keys, 8], 3)]
    ) { tape, x in tape.attention(x[0], x[1], x[2], form) }
  }

  @Test func ofAttentionWithSharedKeysAndABias() {
    let form = AttentionForm(
      heads: 4, keyValueHeads: 2, scale: 0.3, relativeBias: sample([4, 11], 8))
    expectGradient(of: [sample([6, 12], 1), sample([6, 6], 2), sample([6, 6], 3)]) { tape, x in
      tape.attention(x[0], x[1], x[2], form)
    }
  }

  @Test("of guidance", arguments: [false, true])
  func guidance(keepsNorm: Bool) {
    expectGradient(of: [sample([3, 8], 1), sample([3, 8], 2)]) { tape, x in
      tape.guided(
        positive: x[0], negative: x[1], GuidanceForm(scale: 2.5, keepsNorm: keepsNorm))
    }
  }

  @Test func ofLayerNorm() {
    expectGradient(of: [sample([3, 7], 1)]) { tape, x in
      tape.layerNorm(x[0], weight: sample([7], 2), bias: sample([7], 3), epsilon: 1e-5)
    }
  }

  @Test func ofRMSNormOverHeads() {
    expectGradient(of: [sample([3, 8], 1)]) { tape, x in
      tape.rmsNorm(x[0], weight: sample([4], 2), epsilon: 1e-6)
    }
  }

  @Test func ofModulatedNormAndGatedSum() {
    expectGradient(of: [sample([3, 6], 1), sample([1, 18], 2), sample([3, 6], 3)]) { tape, x in
      let y = tape.modulatedNorm(x[0], by: x[1], shift: 0, scale: 2, epsilon: 1e-6)
      return tape.gatedSum(x[2], y, by: x[1], gate: 1)
    }
  }

  @Test(arguments: [RotaryTable.Pairing.neighbours, .halves])
  func ofRotation(pairing: RotaryTable.Pairing) {
    let angles = sample([3, 2], 4)
    let table = RotaryTable(
      cosines: Tensor(shape: [3, 2], angles.floats.map { cosine($0) }),
      sines: Tensor(shape: [3, 2], angles.floats.map { cosine($0 - .pi / 2) }),
      pairing: pairing)
    expectGradient(of: [sample([3, 8], 1)]) { tape, x in tape.rotated(x[0], by: table) }
  }

  @Test(arguments: [Activation.geluTanh, .gelu, .silu, .quickGELU])
  func ofAnActivation(activation: Activation) {
    expectGradient(of: [sample([4, 5], 1, spread: 2)]) { tape, x in
      tape.activated(x[0], activation)
    }
  }

  @Test func ofSumsProductsAndRows() {
    expectGradient(of: [sample([3, 4], 1), sample([2, 4], 2)]) { tape, x in
      let rows = tape.concatenatedRows(x[0], x[1])
      let part = tape.rows(1..<4, of: rows)
      let wide = tape.concatenatedColumns(part, tape.elementwiseProduct(part, x[0]))
      return tape.sum(wide, wide)
    }
  }

  @Test func ofTheMeanSquaredError() {
    expectGradient(of: [sample([3, 4], 1)]) { tape, x in
      tape.meanSquaredError(x[0], target: sample([3, 4], 2))
    }
  }

  /// Power series, so that the test needs no mathematics library: enough terms for |x| < 6.
  private func cosine(_ x: Float) -> Float {
    var (sum, term) = (1.0, 1.0)
    for k in 1...20 {
      term *= -Double(x) * Double(x) / Double((2 * k - 1) * (2 * k))
      sum += term
    }
    return Float(sum)
  }
}
