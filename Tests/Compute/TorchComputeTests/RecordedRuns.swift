import Compute
import DiffusionTransformers
import ModelTestSupport
import Sampling
import Schedules
import TestSupport
import TorchCompute
import Training

/// The recorded walk of a family through the slow phase and the fast one.
struct SlowFast {
  private let walk: Walk
  private let experts: ExpertSet
  private let item: SamplingItem
  private let guidanceKeepsNorm: Bool

  init(_ recording: Recording) throws {
    let sigmas = try recording.tensor("samples.safetensors", "slowfast_sigmas").floats
    let text = [sigmas[..<5], sigmas[5..<10]]
      .map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: "|")
    walk = try PhaseSchedule(text: text).walk
    var experts = ExpertSet()
    for phase in [Phase.slow, .fast] {
      experts.add(try recording.adapter("\(phase).safetensors", scale: 1), phase: phase)
    }
    self.experts = experts
    item = SamplingItem(
      noise: try recording.tensor("samples.safetensors", "noise", row: 0),
      prompt: try recording.conditioning(row: 0), negative: try recording.negative(),
      cfg: recording == .flux ? 1 : 4, guidance: recording == .flux ? 3.5 : nil)
    guidanceKeepsNorm = recording == .qwen
  }

  /// Where the walk ends.
  func latent(on engine: TorchEngine, _ model: any DiffusionTransformer) throws -> Tensor {
    let sampler = Sampler(
      models: PhaseModels([.init(transformer: model)]), guidanceKeepsNorm: guidanceKeepsNorm)
    return try FoundTorch.with(engine) { try sampler.draw(item, walk: walk, experts: experts) }
  }
}

/// The recorded training step of a family.
struct RecordedStep {
  let recording: Recording
  let adapter: TrainableAdapter
  private let noised: Tensor
  private let target: Tensor
  private let sigma: Float
  private let grid: TokenGrid

  init(_ recording: Recording) throws {
    self.recording = recording
    let file = "train.safetensors"
    sigma = try recording.tensor(file, "sigma").floats[0]
    let item = FlowMatchingItem(
      latent: try recording.tensor(file, "latent", row: 0),
      noise: try recording.tensor(file, "noise", row: 0), sigma: sigma)
    noised = packTokens(item.noised)
    target = packTokens(item.velocity)
    grid = TokenGrid(latentShape: try recording.tensor(file, "latent", row: 0).shape)
    adapter = TrainableAdapter(
      modules: try recording.adapter(scale: 4).sorted { $0.key < $1.key }.map {
        TrainableModule(name: $0.key, down: $0.value[0].down, up: $0.value[0].up)
      }, scale: 4)
  }

  /// Loss and gradients, in this machine's memory.
  func run(
    on engine: any Engine, _ model: (any DiffusionTransformer)? = nil,
    adapter: TrainableAdapter? = nil, recomputes: Bool = false
  ) throws -> (loss: Tensor, gradients: [String: FactorGradients]) {
    let tape = Tape(
      mode: .recording, engine: engine, adapters: (adapter ?? self.adapter).attached,
      factorGradients: FactorGradientStore())
    let velocity = try (model ?? recording.transformer()).velocity(
      tape, latent: noised, grid: grid, conditioning: recording.conditioning(row: 0),
      sigma: sigma, guidance: 1,
      options: ForwardOptions(recomputedBlockCount: recomputes ? .max : 0))
    let loss = tape.meanSquaredError(velocity, target: target)
    tape.differentiate(loss)
    return (loss.tensor.onHost(), tape.gradients.mapValues { $0.onHost() })
  }

  /// The adapter after 20 steps of AdamW with the gradients that are found for it.
  func trained(
    _ gradients: (TrainableAdapter) throws -> [String: FactorGradients]
  ) rethrows -> TrainableAdapter {
    var adapter = adapter
    var optimiser = AdamW(AdamW.Constants(), for: adapter)
    for _ in 0..<20 {
      var gradients = try gradients(adapter)
      _ = gradients.clip(toNorm: 1)
      optimiser.step(&adapter, gradients: gradients, learningRate: 3e-4)
    }
    return adapter
  }

  /// Relative errors of all gradients.
  func errors(_ gradients: [String: FactorGradients]) throws -> [Double] {
    try gradients.flatMap { module, found in
      try [(found.down, "lora_A"), (found.up, "lora_B")].map { found, factor in
        let expected = try recording.tensor(
          "train.safetensors", "grad.\(module).\(factor).weight")
        return relativeError(found.floats, expected.floats)
      }
    }
  }
}
