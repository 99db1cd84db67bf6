import Compute
import Testing

/// Memory and arithmetic of a run on shapes alone, against sums made by hand.
@Suite("Plans of a computation")
struct PlanningEngineTests {
  private let ledger = WorkLedger()
  private var engine: PlanningEngine { PlanningEngine(ledger) }

  private func weight(_ rows: Int, _ columns: Int) -> LinearLayer {
    LinearLayer(name: "layer", weight: Weight(Tensor(shape: [rows, columns], repeating: 0)))
  }

  private func tape(_ mode: Tape.Mode, _ adapters: AttachedAdapters = [:]) -> Tape {
    Tape(mode: mode, engine: engine, adapters: adapters, factorGradients: FactorGradientStore())
  }

  @Test func countsWhatIsHeldAtOneTime() {
    let tape = tape(.inference)
    let widen = weight(40, 10), narrow = weight(10, 40)
    func run() {
      var x = Variable(constant: engine.placeholder([6, 10]))
      for _ in 0..<3 { x = tape.linear(tape.activated(tape.linear(x, widen), .silu), narrow) }
    }
    run()
    // The input of a layer, and before and after the activation.
    #expect(ledger.peakByteCount == 4 * 6 * (10 + 40 + 40))
    #expect(ledger.work.productOperations == Double(3 * 2 * 2 * 6 * 10 * 40))
    #expect(ledger.work.writtenBytes == Double(4 * 6 * (10 + 3 * (40 + 40 + 10))))
  }

  @Test func countsWhatGradientsNeed() {
    let factors = LowRankFactors(
      down: engine.placeholder([2, 10]), up: engine.placeholder([10, 2]), scale: 1,
      isTrainable: true)
    #expect(ledger.peakByteCount == 4 * 40)
    let tape = tape(.recording, ["layer": [factors]])
    var x = Variable(constant: engine.placeholder([6, 10]))
    for _ in 0..<4 { x = tape.linear(x, weight(10, 10)) }
    // Of each: its input and the rank's activations. The last output, what the adapter adds to it, and the
    // factors.
    #expect(ledger.peakByteCount == 4 * (4 * 6 * (10 + 2) + 2 * 6 * 10 + 40))
    #expect(tape.savedElementCount == 4 * 6 * (10 + 2))
  }

  @Test func attentionCountsAsPeersCount() {
    let tape = tape(.inference)
    let form = AttentionForm(heads: 3, scale: 1)
    let q = Variable(constant: engine.placeholder([5, 12]))
    let k = Variable(constant: engine.placeholder([7, 12]))
    _ = tape.attention(q, k, k, form)
    #expect(ledger.work.attentionOperations == Double(4 * 5 * 7 * 12))
    #expect(ledger.work.operations == Double(4 * 5 * 7 * 12))
  }

  @Test func changesInPlaceTakeNothingWhereNobodyElseLooks() {
    var a = engine.placeholder([8])
    let b = engine.placeholder([8])
    engine.add(b, times: 1, to: &a)
    #expect(ledger.peakByteCount == 2 * 4 * 8)
    let other = a
    engine.add(b, times: 1, to: &a)
    #expect(ledger.peakByteCount == 3 * 4 * 8)
    #expect(ledger.work.writtenBytes == 3 * 4 * 8)
    withExtendedLifetime(other) {}
  }
}
