import Compute
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
  ) -> Int {
    let tape = Tape(mode: .recording, adapters: adapters)
    operation(tape, tape.variable(sample([4, 8], 4)))
    return tape.savedElementCount
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

  @Test("is nothing after the gradients were taken")
  func used() {
    let tape = Tape(mode: .recording, adapters: ["l": [factors]])
    let y = tape.linear(tape.variable(sample([4, 8], 4)), layer)
    tape.differentiate(tape.meanSquaredError(y, target: sample([4, 6], 8)))
    #expect(tape.savedElementCount == 0)
  }
}
