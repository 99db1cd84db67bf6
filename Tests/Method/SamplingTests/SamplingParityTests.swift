import Adapters
import Compute
import DiffusionTransformers
import ModelTestSupport
import Sampling
import Schedules
import TestSupport
import Testing

/// The rule for end latents: 5 to 50 times the error of float64 arithmetic.
private let bound = 1e-5

@Suite("Sampling agrees with the recording")
struct SamplingParityTests {
  private func item(_ recording: Recording, row: Int) throws -> SamplingItem {
    SamplingItem(
      noise: try recording.tensor("samples.safetensors", "noise", row: row),
      prompt: try recording.conditioning(row: row),
      negative: try recording.negative(), cfg: recording.cfg, guidance: recording.sampleGuidance)
  }

  private func sampler(_ recording: Recording) throws -> Sampler {
    Sampler(
      models: PhaseModels([.init(transformer: try recording.transformer())]),
      guidanceKeepsNorm: recording == .qwen)
  }

  @Test("after the teacher's 50 steps", arguments: Recording.allCases, [0, 1])
  func teacher(recording: Recording, row: Int) throws {
    let shape = try recording.tensor("samples.safetensors", "noise", row: row).shape
    // Eight pixels a cell.
    let sigmas = try recording.tensor(
      "schedule.safetensors", "\(8 * shape[1])x\(8 * shape[2]).sigmas"
    ).floats
    let text = sigmas.dropLast().map { "\($0)" }.joined(separator: ",")
    let walk = try PhaseSchedule(text: text).walk
    #expect(walk.steps.count == 50)
    let latent = try sampler(recording).draw(
      item(recording, row: row), walk: walk, experts: ExpertSet())
    let expected = try recording.tensor("samples.safetensors", "base50", row: row)
    #expect(relativeError(latent.floats, expected.floats) <= bound)
  }

  @Test("after the slow phase and after the fast one, in one run", arguments: Recording.allCases)
  func slowFast(recording: Recording) throws {
    let model = try recording.transformer()
    let sigmas = try recording.tensor("samples.safetensors", "slowfast_sigmas").floats
    let text = [sigmas[..<5], sigmas[5..<10]]
      .map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: "|")
    let walk = try PhaseSchedule(text: text).walk
    var experts = ExpertSet()
    for phase in [Phase.slow, .fast] {
      experts.add(
        try recording.adapter("\(phase).safetensors", scale: 1), phase: phase)
    }
    for row in [0, 1] {
      var afterSlow: Tensor?
      let latent = try Sampler(
        models: PhaseModels([.init(transformer: model)]), guidanceKeepsNorm: recording == .qwen
      ).draw(
        item(recording, row: row), walk: walk, experts: experts
      ) { step, latent in if step == 5 { afterSlow = latent } }
      let slow = try recording.tensor("samples.safetensors", "slowfast_after_slow", row: row)
      #expect(relativeError(afterSlow?.floats ?? [], slow.floats) <= bound / 2)
      let end = try recording.tensor("samples.safetensors", "slowfast", row: row)
      #expect(relativeError(latent.floats, end.floats) <= bound)
    }
  }

  @Test func noiseDependsOnTheSeedOnly() {
    let one = SamplingItem.noise(seed: 3, shape: [16, 4, 6])
    #expect(one == SamplingItem.noise(seed: 3, shape: [16, 4, 6]))
    #expect(one != SamplingItem.noise(seed: 4, shape: [16, 4, 6]))
  }

  @Test func outputThatIsNotFiniteNamesTheTensor() throws {
    var item = try item(.flux, row: 0)
    var floats = item.noise.floats
    floats[3] = .nan
    item.noise = Tensor(shape: item.noise.shape, floats)
    let model = PhaseModels.Model(
      transformer: try Recording.flux.transformer(), firstNotFinite: { "x_embedder.weight" })
    let sampler = Sampler(models: PhaseModels([model]), guidanceKeepsNorm: false)
    let walk = try PhaseSchedule(text: "1,0.5").walk
    #expect(
      throws: SamplingError.notFinite(step: 0, sigma: 1, tensor: "x_embedder.weight")
    ) { try sampler.draw(item, walk: walk, experts: ExpertSet()) }
  }

  @Test("has a negative prompt with classifier-free guidance alone")
  func passes() throws {
    var item = try item(.qwen, row: 0)
    #expect(item.negative != nil)
    item = SamplingItem(noise: item.noise, prompt: item.prompt, negative: item.prompt, cfg: 1)
    #expect(item.negative == nil)
  }
}

extension Recording {
  fileprivate var cfg: Double { self == .flux ? 1 : 4 }
  fileprivate var sampleGuidance: Double? { self == .flux ? 3.5 : nil }
}
