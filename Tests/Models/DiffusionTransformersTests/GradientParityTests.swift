import Compute
import DiffusionTransformers
import ModelTestSupport
import TestSupport
import Testing

@Suite("Gradients of the training loss agree with the recording")
struct GradientParityTests {
  @Test(arguments: Recording.allCases, [true, false])
  func ofEveryAdaptedModule(recording: Recording, keepsActivations: Bool) throws {
    let (loss, prediction, gradients) = try step(recording, keepsActivations: keepsActivations)
    let file = "train.safetensors"

    // Bounds of the project's parity rule: 5 to 50 times the error of float64 arithmetic.
    let recordedLoss = try recording.tensor(file, "loss").floats
    #expect(relativeError(loss.floats, recordedLoss) <= 5e-6)
    let recordedPrediction = try recording.tensor(file, "prediction", row: 0)
    #expect(relativeError(prediction.floats, recordedPrediction.floats) <= 1e-5)

    let (errors, squares) = try compare(gradients, recording)
    #expect(errors.allSatisfy { $0 <= 1e-4 })
    #expect(errors.sorted()[errors.count / 2] <= 3e-5)
    let norm = try recording.tensor(file, "grad_norm").floats
    #expect(relativeError([Float(squares.squareRoot())], norm) <= 5e-6)
  }

  @Test("on all kernels", arguments: Recording.allCases, ProductSettings.all(.float32))
  func kernels(recording: Recording, products: ProductSettings) throws {
    try ProductSettings.with(products) {
      try ofEveryAdaptedModule(recording: recording, keepsActivations: true)
    }
  }

  @Test(
    "have the same bits for any number of threads, on all kernels", arguments: Recording.allCases,
    ProductPrecision.allCases)
  func threads(recording: Recording, precision: ProductPrecision) throws {
    for products in ProductSettings.all(precision) {
      let found = try ProductSettings.with(products) {
        try atWidths([1, 2]) { try step(recording, keepsActivations: true).gradients }
      }
      #expect(found[0].keys == found[1].keys)
      for (module, gradient) in found[0] {
        #expect(
          gradient.down == found[1][module]?.down && gradient.up == found[1][module]?.up,
          "\(products.kernels), \(module)")
      }
    }
  }

  @Test("in bfloat16 within its rounding, whatever is run again", arguments: Recording.allCases)
  func rounded(recording: Recording) throws {
    let steps = try [true, false].map { keepsActivations in
      try ProductSettings.with(ProductSettings(precision: .bfloat16)) {
        try step(recording, keepsActivations: keepsActivations).gradients
      }
    }
    // A number rounded to bfloat16 is off by up to 2^-9 = 0.002; forwards and backwards a gradient goes
    // through some tens of roundings, of independent errors.
    let (errors, _) = try compare(steps[0], recording)
    #expect(errors.allSatisfy { $0 <= 0.04 }, "\(errors.max() ?? 0)")
    #expect(errors.sorted()[errors.count / 2] <= 0.012, "\(errors.sorted()[errors.count / 2])")
    #expect(errors.sorted()[errors.count / 2] > 0.001)
    #expect(steps[0].keys == steps[1].keys)
    for (module, gradient) in steps[0] {
      #expect(gradient.down == steps[1][module]?.down && gradient.up == steps[1][module]?.up)
    }
  }

  /// Loss, prediction and gradients of the recorded step.
  private func step(
    _ recording: Recording, keepsActivations: Bool
  ) throws -> (loss: Tensor, prediction: Tensor, gradients: [String: FactorGradients]) {
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

    return (loss.tensor, prediction.tensor, tape.gradients)
  }

  /// Relative errors of all gradients, and the sum of their squares; modules that get none in the recording
  /// must have none.
  private func compare(
    _ gradients: [String: FactorGradients], _ recording: Recording
  ) throws -> (errors: [Double], squares: Double) {
    let file = "train.safetensors"
    var errors: [Double] = []
    var squares = 0.0
    for module in try recording.adapter(scale: 1).keys.sorted() {
      let down = try recording.tensor(file, "grad.\(module).lora_A.weight")
      let up = try recording.tensor(file, "grad.\(module).lora_B.weight")
      guard let found = gradients[module] else {
        // Autograd gives no gradient either: the recording holds zeros.
        #expect(recording.modulesWithoutGradient.contains(module), "\(module) has no gradient")
        #expect(down.norm == 0 && up.norm == 0)
        continue
      }
      #expect(!recording.modulesWithoutGradient.contains(module))
      squares += found.down.norm * found.down.norm + found.up.norm * found.up.norm
      for (found, expected) in [(found.down, down), (found.up, up)] {
        errors.append(relativeError(found.floats, expected.floats))
      }
    }
    return (errors, squares)
  }
}

extension Recording {
  /// Modules that the loss does not depend on: the text stream after the last attention.
  fileprivate var modulesWithoutGradient: [String] {
    self == .qwen
      ? ["transformer_blocks.3.attn.to_add_out", "transformer_blocks.3.txt_mlp.net.2"] : []
  }
}
