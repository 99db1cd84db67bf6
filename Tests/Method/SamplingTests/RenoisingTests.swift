import Compute
import DiffusionTransformers
import Elements
import ModelTestSupport
import Sampling
import Schedules
import TestSupport
import Testing

@Suite("A step that goes back under new noise")
struct RenoisingTests {
  /// Numbers of diffusers 0.42.1: `FlowMatchEulerDiscreteScheduler(stochastic_sampling=True)` at these
  /// sigmas, with `torch.randn_like` giving these noises. All are binary fractions, so they are exact.
  private static let sigmas = "renoise:1,0.75,0.375"
  private static let velocities: [[Float]] = [
    [1, -0.5, 0.75, 2], [-1.5, 0.25, 1, -0.5], [0.5, 1.25, -2, 1],
  ]
  private static let noises: [[Float]] = [[-0.5, 1.5, 0.25, -2], [1, -0.75, -1.5, 0.5]]
  private static let latents: [[Float]] = [
    [-0.5, 0.9375, 0.5, -1.968_75], [0.765_625, 0.1875, -0.718_75, -0.808_593_75],
    [0.578_125, -0.281_25, 0.031_25, -1.183_593_75],
  ]

  @Test func isThatOfDiffusers() throws {
    var latent = Tensor(shape: [1, 4], [0.5, -1.25, 2, 0.125])
    var asked = 0
    for (index, step) in try PhaseSchedule(text: Self.sigmas).walk.steps.enumerated() {
      let velocity = Tensor(shape: [1, 4], Self.velocities[index])
      step.advance(&latent, along: velocity) {
        asked += 1
        return Tensor(shape: [1, 4], Self.noises[index])
      }
      #expect(latent.floats == Self.latents[index])
    }
    // The last step leads to the picture, where no noise belongs.
    #expect(asked == 2)
  }

  @Test("has noise of its own for every step, named by the seed", arguments: Recording.allCases)
  func sampling(recording: Recording) throws {
    let noise = try recording.tensor("samples.safetensors", "noise", row: 0)
    let sampler = Sampler(
      models: PhaseModels([.init(transformer: try recording.transformer())]),
      guidanceKeepsNorm: recording == .qwen)
    func draw(_ noise: Tensor, _ schedule: String, seed: UInt64 = 0) throws -> [Tensor] {
      let item = SamplingItem(
        noise: noise, prompt: try recording.conditioning(row: 0),
        guidance: recording == .flux ? 3.5 : nil, seed: seed)
      var latents: [Tensor] = []
      _ = try sampler.draw(item, walk: PhaseSchedule(text: schedule).walk, experts: ExpertSet()) {
        latents.append($1)
      }
      return latents
    }
    let walked = try draw(noise, "renoise:1,0.75,0.5", seed: 7)
    #expect(walked.count == 3)
    // A lone Euler step to 0 is the estimate of the picture; recordings hold Euler steps elsewhere.
    var latent = noise
    for (index, (from, to)) in [(Float(1), Float(0.75)), (0.75, 0.5), (0.5, 0)].enumerated() {
      let picture = try #require(try draw(latent, "\(from)").last)
      let stream = RandomStream(seed: 7, purpose: .renoising, step: UInt32(index + 1))
      let fresh = stream.normals(count: noise.count)
      let expected = zip(picture.floats, fresh).map { (1 - to) * $0 + to * $1 }
      // Two roundings of numbers of either order.
      #expect(relativeError(walked[index].floats, expected) <= 1e-6)
      latent = walked[index]
    }
    #expect(try draw(noise, "renoise:1,0.75,0.5", seed: 7) == walked)
    #expect(try draw(noise, "renoise:1,0.75,0.5", seed: 8)[0] != walked[0])
    #expect(try draw(noise, "renoise:1", seed: 7) == draw(noise, "1"))
  }
}
