import Compute
import TestSupport
import Testing
import Training

@Suite("AdamW")
struct AdamWTests {
  private func adapter(_ value: Float) -> TrainableAdapter {
    let factor = Tensor(shape: [1, 1], [value])
    return TrainableAdapter(
      modules: ["a", "b"].map { TrainableModule(name: $0, down: factor, up: factor) }, scale: 1)
  }

  @Test("moves by the learning rate at first, against the gradient's sign, and decays")
  func firstStep() {
    var adapter = adapter(2)
    var optimiser = AdamW(AdamW.Constants(), for: adapter)
    let gradients = [
      "a": FactorGradients(
        down: Tensor(shape: [1, 1], [5]), up: Tensor(shape: [1, 1], [-0.001]))
    ]
    optimiser.step(&adapter, gradients: gradients, learningRate: 0.1)
    // The corrected moments of one gradient g are g and g²: the step is the rate times sign(g).
    // Decay takes 2 · 0.1 · 0.01. One rounding each of numbers near 2: 5e-7.
    #expect(abs(adapter.modules[0].down.floats[0] - (2 - 0.002 - 0.1)) < 5e-7)
    #expect(abs(adapter.modules[0].up.floats[0] - (2 - 0.002 + 0.1)) < 2e-6)
  }

  @Test("is the same on any number of threads")
  func threads() {
    let factor = Tensor(shape: [1, 100_000], (0..<100_000).map { Float($0 % 997) / 997 })
    let gradient = Tensor(shape: [1, 100_000], (0..<100_000).map { Float($0 % 1009) / 1009 - 0.5 })
    let found = atWidths([1, 2, 3]) {
      var adapter = TrainableAdapter(
        modules: [TrainableModule(name: "a", down: factor, up: factor.reshaped([100_000, 1]))],
        scale: 1)
      var optimiser = AdamW(AdamW.Constants(), for: adapter)
      for _ in 0..<2 {
        optimiser.step(
          &adapter,
          gradients: ["a": FactorGradients(down: gradient, up: gradient.reshaped([100_000, 1]))],
          learningRate: 0.1)
      }
      return adapter
    }
    #expect(found[0].modules == found[1].modules && found[0].modules == found[2].modules)
  }

  @Test func leavesAModuleWithoutGradientAlone() {
    var changed = adapter(2)
    var optimiser = AdamW(AdamW.Constants(), for: changed)
    let zero = Tensor(shape: [1, 1], [0])
    optimiser.step(
      &changed, gradients: ["a": FactorGradients(down: zero, up: zero)], learningRate: 0.1)
    #expect(changed.modules[1] == adapter(2).modules[1])
    // A gradient of zero is a gradient: the value decays.
    #expect(abs(changed.modules[0].down.floats[0] - 1.998) < 5e-7)
    #expect(optimiser.moments[1].down.stepCount == 0)
  }

  @Test("clips the global norm of all gradients")
  func clipping() {
    func gradients() -> [String: FactorGradients] {
      [
        "a": FactorGradients(down: Tensor(shape: [2], [3, 0]), up: Tensor(shape: [1], [0])),
        "b": FactorGradients(down: Tensor(shape: [1], [0]), up: Tensor(shape: [1], [4])),
      ]
    }
    var clipped = gradients()
    #expect(clipped.clip(toNorm: 1) == 5)
    // The factor is 1 / (5 + 1e-6).
    #expect(abs((clipped["a"]?.down.floats[0] ?? 0) - 0.6) < 3e-7)
    #expect(abs((clipped["b"]?.up.floats[0] ?? 0) - 0.8) < 3e-7)
    for limit in [10, 0, nil] as [Double?] {
      var kept = gradients()
      #expect(kept.clip(toNorm: limit) == 5)
      #expect(kept["b"]?.up.floats == [4])
    }
  }

  @Test("warms up in a straight line from zero", arguments: [(0, 0), (2, 0.5), (4, 1), (9, 1)])
  func warmup(step: Int, expected: Double) {
    #expect(LearningRate(peak: 1, warmupSteps: 4).at(step: step) == expected)
  }

  @Test func initialFactorsAreGaussianAndZero() {
    let layers = (0..<2).map {
      LinearLayer(
        name: "l\($0)", weight: Weight(Tensor(shape: [5, 20_000], repeating: 0)))
    }
    let adapter = TrainableAdapter(targets: layers, rank: 4, alpha: 16, seed: 3)
    #expect(adapter.scale == 4)
    #expect(adapter.parameterCount == 2 * (80_000 + 20))
    for module in adapter.modules {
      // Standard deviation 1/4 over 80,000 values: its standard error is 0.0006.
      let deviation = module.down.norm / Double(module.down.count).squareRoot()
      #expect(abs(deviation - 0.25) < 0.004)
      #expect(module.up.floats.allSatisfy { $0 == 0 })
    }
    #expect(adapter.modules[0].down != adapter.modules[1].down)
  }
}
