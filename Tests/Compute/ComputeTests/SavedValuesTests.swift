import Compute
import TestSupport
import Testing

/// Which values a recording keeps: what gradients need, and nothing else.
@Suite("What a tape keeps")
struct SavedValuesTests {
  private let layer = LinearLayer(name: "l", weight: Weight(sample([6, 8], 1)))
  private let factors = LowRankFactors(
    down: sample([2, 8], 2), up: sample([6, 2], 3), scale: 1, isTrainable: true)

  /// Elements that are kept after an operation on `[4, 8]` that needs a gradient.
  private func kept(
    _ adapters: AttachedAdapters = [:], _ operation: (Tape, Variable) -> Void
  ) -> Int { keptBytes(.float32, adapters, operation) / 4 }

  private func keptBytes(
    _ precision: ProductPrecision, _ adapters: AttachedAdapters = [:],
    _ operation: (Tape, Variable) -> Void
  ) -> Int {
    let engine = HostEngine(products: ProductSettings(precision: precision))
    let tape = Tape(
      mode: .recording, engine: engine, adapters: adapters, factorGradients: FactorGradientStore())
    operation(tape, tape.variable(sample([4, 8], 4)))
    return tape.keptByteCount
  }

  @Test("is nothing of a frozen layer, of sums, turns and parts")
  func nothing() {
    #expect(kept { tape, x in _ = tape.linear(x, layer) } == 0)
    #expect(kept { tape, x in _ = tape.sum(x, x) } == 0)
    #expect(kept { tape, x in _ = tape.concatenatedRows(x, tape.rows(1..<3, of: x)) } == 0)
    #expect(kept { tape, x in _ = tape.concatenatedColumns(x, x) } == 0)
    let table = RotaryTable(
      cosines: sample([4, 4], 5), sines: sample([4, 4], 6), pairing: .neighbours)
    #expect(kept { tape, x in _ = tape.rotated(x, by: table) } == 0)
  }

  @Test("is the input and the low-rank activations of a layer that is trained")
  func trained() {
    #expect(kept(["l": [factors]]) { tape, x in _ = tape.linear(x, layer) } == 4 * 8 + 4 * 2)
    // An adapter that only acts has nothing to learn from.
    var still = factors
    still.isTrainable = false
    #expect(kept(["l": [still]]) { tape, x in _ = tape.linear(x, layer) } == 0)
  }

  @Test("is a value once, however many need it")
  func shared() {
    let count = kept(["l": [factors]]) { tape, x in
      for _ in 0..<3 { _ = tape.linear(x, layer) }
      _ = tape.activated(x, .silu)
    }
    #expect(count == 4 * 8 + 3 * 4 * 2)
  }

  @Test("is what a gated sum multiplies only where the gate itself is learned")
  func gates() {
    let gate = sample([1, 8], 7)
    #expect(
      kept { tape, x in _ = tape.gatedSum(x, x, by: Variable(constant: gate), gate: 0) } == 8)
    #expect(kept { tape, x in _ = tape.gatedSum(x, x, by: tape.variable(gate), gate: 0) } == 8 + 32)
  }

  @Test("is a recomputed portion's input")
  func recomputed() {
    let count = kept(["l": [factors]]) { tape, x in
      _ = tape.recomputing([x]) { tape, inputs in
        [tape.activated(tape.linear(inputs[0], layer), .silu)]
      }
    }
    #expect(count == 4 * 8)
  }

  @Test("is what a value is made of again where that is kept anyway")
  func madeAgain() {
    let wide = sample([1, 32], 9)
    let norm = { (tape: Tape, x: Variable) in
      tape.modulatedNorm(x, by: Variable(constant: wide), shift: 0, scale: 1, epsilon: 1e-6)
    }
    // Normalised values, reciprocals, scale and shift.
    #expect(kept { _ = norm($0, $1) } == 32 + 4 + 8 + 8)
    let table = RotaryTable(
      cosines: sample([4, 4], 5), sines: sample([4, 4], 6), pairing: .neighbours)
    // Beside them what attention needs of its own, v, and a trained layer's low-rank activations.
    let count = kept(["l": [factors]]) { tape, x in
      let q = norm(tape, x)
      let turned = tape.rotated(tape.rows(0..<4, of: tape.concatenatedRows(q, q)), by: table)
      _ = tape.attention(turned, q, x, AttentionForm(heads: 1, scale: 1))
      _ = tape.linear(q, layer)
    }
    #expect(count == 52 + 32 + 8)
    #expect(
      kept(["l": [factors]]) { tape, x in
        _ = tape.linear(tape.activated(x, .silu), layer)
        _ = tape.linear(tape.rmsNorm(x, weight: sample([8], 10), epsilon: 1e-6), layer)
      } == (32 + 8) + (32 + 4 + 8))
  }

  @Test("is rounded in bfloat16, once, but for what is small or has to be exact")
  func rounded() {
    #expect(keptBytes(.bfloat16) { tape, x in _ = tape.activated(x, .silu) } == 2 * 32)
    let bytes = keptBytes(.bfloat16, ["l": [factors]]) { tape, x in
      for _ in 0..<3 { _ = tape.linear(x, layer) }
      _ = tape.attention(x, x, x, AttentionForm(heads: 1, scale: 1))
    }
    #expect(bytes == 2 * 32 + 4 * 3 * 8)
    #expect(
      keptBytes(.bfloat16) { tape, x in
        _ = tape.layerNorm(x, weight: nil, bias: nil, epsilon: 1e-6)
      } == 2 * 32 + 4 * 4)
    // The input of a portion, so that what is computed again is the same.
    #expect(
      keptBytes(.bfloat16) { tape, x in
        _ = tape.recomputing([x]) { tape, inputs in [tape.activated(inputs[0], .silu)] }
      } == 4 * 32)
    #expect(
      keptBytes(.bfloat16) { tape, x in
        _ = tape.meanSquaredError(x, target: sample([4, 8], 1))
      } == 4 * 32)
  }

  // More numbers than a thread takes at a time.
  @Test("comes back as it was rounded, to the nearest number", arguments: [32, 70_000])
  func restored(count: Int) {
    let engine = HostEngine(products: ProductSettings(precision: .bfloat16))
    var x = sample([1, count], 1)
    #expect(engine.restored(engine.kept(x)) == x.roundedToBFloat16)
    // A change is seen, also while the copy before it is kept.
    let before = x.roundedToBFloat16
    let kept = engine.kept(x)
    engine.add(sample([1, count], 2), times: 1, to: &x)
    #expect(engine.restored(engine.kept(x)) == x.roundedToBFloat16)
    #expect(engine.restored(kept) == before)
    #expect(HostEngine().kept(x) == x)
  }

  @Test("comes back the same whatever the number of threads")
  func threads() {
    let engine = HostEngine(products: ProductSettings(precision: .bfloat16))
    let x = sample([1, 200_000], 1)
    for found in atWidths([1, 2, 3], { engine.restored(engine.kept(x)) }) {
      #expect(found == x.roundedToBFloat16)
    }
  }

  @Test("is nothing after the gradients were taken")
  func used() {
    let tape = Tape(mode: .recording, adapters: ["l": [factors]])
    let y = tape.linear(tape.variable(sample([4, 8], 4)), layer)
    tape.differentiate(tape.meanSquaredError(y, target: sample([4, 6], 8)))
    #expect(tape.keptByteCount == 0)
  }
}
