import Compute
import DiffusionTransformers
import ModelTestSupport
import TestSupport
import Testing

@Suite("Gradients of the training loss agree with the recording")
struct GradientParityTests {
  @Test(arguments: Recording.allCases, [true, false])
  func ofEveryAdaptedModule(recording: Recording, keepsActivations: Bool) throws {
    let file = "train.safetensors"
    let latent = try recording.tensor(file, "latent", row: 0)
    let noise = try recording.tensor(file, "noise", row: 0)
    let sigma = try recording.tensor(file, "sigma").floats[0]
    let noised = Tensor(
      shape: latent.shape,
      zip(latent.floats, noise.floats).map { (1 - sigma) * $0 + sigma * $1 })
    var target = noise
    target.add(latent, times: -1)

    let tape = Tape(
      mode: .recording, adapters: try recording.adapter(scale: 4, isTrainable: true))
    let prediction = try recording.transformer().velocity(
      tape, latent: packTokens(noised), grid: TokenGrid(latentShape: latent.shape),
      conditioning: try recording.conditioning(row: 0), sigma: sigma, guidance: 1,
      options: ForwardOptions(recomputedBlockCount: keepsActivations ? 0 : .max))
    let loss = tape.meanSquaredError(prediction, target: packTokens(target))
    tape.differentiate(loss)

    // Bounds of the project's parity rule: 5 to 50 times the error of float64 arithmetic.
    let recordedLoss = try recording.tensor(file, "loss").floats
    #expect(relativeError(loss.tensor.floats, recordedLoss) <= 5e-6)
    let recordedPrediction = try recording.tensor(file, "prediction", row: 0)
    #expect(relativeError(prediction.tensor.floats, recordedPrediction.floats) <= 1e-5)

    var errors: [Double] = []
    var squares = 0.0
    for module in try recording.adapter(scale: 1).keys.sorted() {
      let down = try recording.tensor(file, "grad.\(module).lora_A.weight")
      let up = try recording.tensor(file, "grad.\(module).lora_B.weight")
      guard let found = tape.gradients[module] else {
        // Autograd gives no gradient either: the recording holds zeros.
        #expect(recording.modulesWithoutGradient.contains(module), "\(module) has no gradient")
        #expect(down.norm == 0 && up.norm == 0)
        continue
      }
      #expect(!recording.modulesWithoutGradient.contains(module))
      squares += found.down.norm * found.down.norm + found.up.norm * found.up.norm
      for (found, expected) in [(found.down, down), (found.up, up)] {
        let error = relativeError(found.floats, expected.floats)
        #expect(error <= 1e-4, "\(module): \(error)")
        errors.append(error)
      }
    }
    #expect(errors.sorted()[errors.count / 2] <= 3e-5)
    let norm = try recording.tensor(file, "grad_norm").floats
    #expect(relativeError([Float(squares.squareRoot())], norm) <= 5e-6)
  }
}

extension Recording {
  /// Modules that the loss does not depend on: the text stream after the last attention.
  fileprivate var modulesWithoutGradient: [String] {
    self == .qwen
      ? ["transformer_blocks.3.attn.to_add_out", "transformer_blocks.3.txt_mlp.net.2"] : []
  }
}
