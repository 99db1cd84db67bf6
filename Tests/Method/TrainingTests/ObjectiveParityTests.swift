import Compute
import DiffusionTransformers
import ModelTestSupport
import Sampling
import Schedules
import TestSupport
import Testing
import Training

/// A few hundred roundings of float32 through five evaluations; a wrong formula is off by a tenth.
private let bound = 2e-5

@Suite("Objectives that ask the teacher agree with PyTorch")
struct ObjectiveParityTests {
  private static let file = "objective.safetensors"

  private func passes(
    _ recording: Recording, _ objective: Objective, folds: Bool = false
  ) throws -> TrainingPasses {
    var settings = TrainingSettings()
    settings.objective = objective
    settings.foldsGuidance = folds
    settings.guidance = 3.5
    if recording == .qwen { settings.cfg = 4 }
    settings.guidanceKeepsNorm = recording == .qwen
    return TrainingPasses(
      try recording.transformer(), settings, negative: try recording.negative(),
      modulations: ModulationCache(capacity: 8))
  }

  private func grid(_ recording: Recording) throws -> TokenGrid {
    TokenGrid(latentShape: try recording.tensor("train.safetensors", "latent", row: 0).shape)
  }

  @Test("the teacher's mean velocity over an interval", arguments: Recording.allCases)
  func interval(recording: Recording) throws {
    let sigmas = try recording.tensor(Self.file, "sigmas").floats
    let point = try recording.tensor(Self.file, "point", row: 0)
    let levels = (0...5).map { sigmas[0] + (sigmas[2] - sigmas[0]) * Float($0) / 5 }
    var velocity = try passes(recording, .interval(substeps: 5)).walk(
      point, grid: grid(recording), along: levels, prompt: recording.conditioning(row: 0))
    velocity.add(point, times: -1)
    velocity.scale(by: 1 / (sigmas[2] - sigmas[0]))
    let expected = try recording.tensor(Self.file, "interval_target", row: 0)
    #expect(relativeError(velocity.floats, expected.floats) <= bound)
  }

  @Test(
    "the teacher's own walk, where it passes the schedule's levels", arguments: Recording.allCases)
  func walk(recording: Recording) throws {
    let passes = try passes(recording, .path(trajectories: 1))
    let grid = try grid(recording)
    var latent = packTokens(try recording.tensor("train.safetensors", "noise", row: 0))
    let parts: [[Float]] = [[1, 0.9], [0.9, 0.8, 0.7], [0.7, 0.5, 0.3], [0.3, 0.1, 0]]
    for (row, levels) in parts.enumerated() {
      latent = passes.walk(
        latent, grid: grid, along: levels, prompt: try recording.conditioning(row: 0))
      let expected = try recording.tensor(Self.file, "walk", row: row)
      #expect(relativeError(latent.floats, expected.floats) <= bound, "\(levels)")
    }
  }

  @Test("the loss and the gradients of factors", arguments: Recording.allCases, [false, true])
  func gradients(recording: Recording, folds: Bool) throws {
    // FLUX.1 has no classifier-free guidance to fold in.
    let kind = folds && recording == .qwen ? "folded" : "guided"
    let sigma = try recording.tensor(Self.file, "sigmas").floats[0]
    let tape = Tape(mode: .recording, adapters: try recording.adapter(scale: 4, isTrainable: true))
    let student = try passes(recording, .interval(substeps: 5), folds: folds)
      .student(recording.conditioning(row: 0))
    let velocity = student(
      tape, at: try recording.tensor(Self.file, "point", row: 0), grid: try grid(recording),
      sigma: sigma)
    let loss = tape.meanSquaredError(
      velocity, target: try recording.tensor(Self.file, "interval_target", row: 0))
    let expectedLoss = try recording.tensor(Self.file, "\(kind).loss").floats
    #expect(relativeError(loss.tensor.floats, expectedLoss) <= bound)
    tape.differentiate(loss, times: try recording.tensor(Self.file, "weight").floats[0])
    #expect(!tape.gradients.isEmpty)
    for (module, gradient) in tape.gradients {
      for (found, suffix) in [(gradient.down, "lora_A"), (gradient.up, "lora_B")] {
        let name = "\(kind).gradient.\(module).\(suffix).weight"
        let expected = try recording.tensor(Self.file, name)
        let error = relativeError(found.floats, expected.floats)
        #expect(error <= 10 * bound, "\(name): \(error)")
      }
    }
  }
}
