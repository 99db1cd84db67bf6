import Compute
import Testing

@Suite("A recomputed portion")
struct RecomputingTests {
  private let layers = (0..<3).map {
    LinearLayer(name: "l\($0)", weight: Weight(sample([8, 8], UInt64($0))), bias: sample([8], 40))
  }

  private func factors(_ index: Int) -> LowRankFactors {
    LowRankFactors(
      down: sample([2, 8], UInt64(10 + index)), up: sample([8, 2], UInt64(20 + index)), scale: 2,
      isTrainable: true)
  }

  private func gradients(
    recomputes: Bool, adapted: [Int], _ precision: ProductPrecision
  ) -> [String: FactorGradients] {
    let adapters = adapted.map { ("l\($0)", [factors($0)]) }
    let tape = Tape(
      mode: .recording, engine: HostEngine(products: ProductSettings(precision: precision)),
      adapters: Dictionary(uniqueKeysWithValues: adapters), factorGradients: FactorGradientStore())
    var x = Variable(constant: sample([4, 8], 30))
    for layer in layers {
      x =
        tape.recomputing([x], if: recomputes) { tape, inputs in
          [tape.activated(tape.linear(inputs[0], layer), .silu)]
        }[0]
    }
    tape.differentiate(tape.meanSquaredError(x, target: sample([4, 8], 31)))
    return tape.gradients
  }

  @Test(
    "has the gradients of a kept one, bit for bit", arguments: [[0, 1, 2], [1], [2]],
    ProductPrecision.allCases)
  func sameGradients(adapted: [Int], precision: ProductPrecision) {
    let kept = gradients(recomputes: false, adapted: adapted, precision)
    let recomputed = gradients(recomputes: true, adapted: adapted, precision)
    #expect(kept.keys.sorted() == adapted.map { "l\($0)" })
    #expect(kept.keys == recomputed.keys)
    for (layer, gradient) in kept {
      #expect(gradient.down == recomputed[layer]?.down)
      #expect(gradient.up == recomputed[layer]?.up)
    }
  }

  @Test func keepsNothingWhereNothingIsTrained() {
    let tape = Tape(mode: .recording)
    let x = Variable(constant: sample([4, 8], 30))
    let y = tape.recomputing([x]) { tape, inputs in [tape.linear(inputs[0], layers[0])] }
    #expect(!y[0].needsGradient)
  }
}
