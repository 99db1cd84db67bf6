import Compute
import DiffusionTransformers
import ModelTestSupport
import TestSupport
import Testing
import Training

@Suite("Three training steps agree with the recording")
struct TrainingParityTests {
  @Test(arguments: Recording.allCases)
  func adamW(recording: Recording) throws {
    let file = "train.safetensors"
    let model = try recording.transformer()
    var adapter = TrainableAdapter(
      modules: try recording.adapter(scale: 4).sorted { $0.key < $1.key }.map {
        TrainableModule(name: $0.key, down: $0.value[0].down, up: $0.value[0].up)
      }, scale: 4)
    var optimiser = AdamW(AdamW.Constants(), for: adapter)
    let latent = try recording.tensor(file, "latent", row: 0)
    let sigmas = try recording.tensor(file, "sigma").floats
    var losses: [Float] = []
    var norms: [Float] = []
    for step in 0..<3 {
      let item = FlowMatchingItem(
        latent: latent, noise: try recording.tensor(file, "noise", row: step), sigma: sigmas[step])
      let tape = Tape(mode: .recording, adapters: adapter.attached)
      let velocity = model.velocity(
        tape, latent: packTokens(item.noised), grid: TokenGrid(latentShape: latent.shape),
        conditioning: try recording.conditioning(row: 0), sigma: sigmas[step], guidance: 1,
        options: ForwardOptions())
      let loss = tape.meanSquaredError(velocity, target: packTokens(item.velocity))
      tape.differentiate(loss)
      var gradients = tape.gradients
      losses.append(loss.tensor.floats[0])
      norms.append(Float(gradients.clip(toNorm: 1)))
      optimiser.step(&adapter, gradients: gradients, learningRate: recording.learningRate)
    }
    #expect(relativeError(losses, try recording.tensor(file, "adamw.losses").floats) <= 5e-6)
    // The norms of steps 1 and 2 follow from slightly different factors.
    #expect(relativeError(norms, try recording.tensor(file, "adamw.grad_norms").floats) <= 2e-5)

    // Tight enough to see the weight decay, which takes 1.5e-5 of a value in three steps.
    var errors: [Double] = []
    for module in adapter.modules {
      for (found, suffix) in [(module.down, "lora_A"), (module.up, "lora_B")] {
        let expected = try recording.tensor(file, "adamw.final.\(module.name).\(suffix).weight")
        let error = relativeError(found.floats, expected.floats)
        #expect(error <= recording.factorBound, "\(module.name) \(suffix): \(error)")
        errors.append(error)
      }
    }
    #expect(errors.sorted()[errors.count / 2] <= 2e-6)
  }
}

extension Recording {
  fileprivate var learningRate: Double { self == .flux ? 5e-4 : 3e-4 }
  /// Largest error of A or B after three steps.
  fileprivate var factorBound: Double { self == .flux ? 1e-4 : 3e-6 }
}
