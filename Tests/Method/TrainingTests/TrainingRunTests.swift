import Compute
import DiffusionTransformers
import JSON
import ModelTestSupport
import Schedules
import TestSupport
import Testing
import Training

@Suite("A training run")
struct TrainingRunTests {
  private func run(
    _ recording: Recording = .flux, phase: Phase = .slow, batch: Int = 1, dropout: Double = 0,
    published: Bool = false, keepsActivations: Bool = true, latent: Tensor? = nil,
    conditioning: Conditioning? = nil
  ) throws -> TrainingRun {
    let model = try recording.transformer()
    var settings = TrainingSettings()
    settings.rank = 4
    settings.alpha = 16
    settings.steps = 6
    settings.batch = batch
    settings.captionDropout = dropout
    settings.followsPublishedArithmetic = published
    settings.recomputedBlockCount = keepsActivations ? 0 : .max
    let configuration = SchedulerConfiguration(
      shift: .dynamic(
        .exponential,
        .init(baseTokens: 256, baseShift: 0.5, maxTokens: 4096, maxShift: 1.15)))
    let mean = try recording.tensor("train.safetensors", "latent", row: 0)
    let schedule = try ScheduleRequest(.init(parsing: "glance-5+5")).schedule(
      configuration: configuration, tokens: TokenGrid(latentShape: mean.shape).count)
    let sample = TrainingSample(
      name: "one", mean: latent ?? mean,
      deviation: published ? Tensor(shape: mean.shape, repeating: 0.1) : nil,
      conditioning: try conditioning ?? recording.conditioning(row: 0))
    return try TrainingRun(
      model: model, targets: model.linearLayers.filter { $0.name.hasSuffix("to_q") },
      material: TrainingMaterial(samples: [sample], empty: try recording.conditioning(row: 2)),
      schedule: schedule, phase: phase, configuration: configuration, settings: settings,
      identity: ["seed": 0])
  }

  private func finish(_ run: TrainingRun) throws -> TrainingState {
    while !run.isFinished { _ = try run.takeStep() }
    return run.state
  }

  @Test("refuses a sample that the model doesn't take, by name")
  func misfits() throws {
    #expect(
      throws: TrainingError.badSample(
        name: "one",
        detail: "expected a latent of [16, height, width] with even height and width, found "
          + "[4, 4, 4]")
    ) { try run(latent: Tensor(shape: [4, 4, 4], repeating: 0)) }
    let states = Conditioning(text: Tensor(shape: [3, 64], repeating: 0))
    #expect(
      throws: TrainingError.badSample(
        name: "one",
        detail: "caption: the transformer takes a pooled vector of 64 channels, found none")
    ) { try run(conditioning: states) }
    #expect(
      throws: TrainingError.badSample(
        name: "one",
        detail: "expected a latent of [16, height, width] with even height and width, found "
          + "[16, 3, 4]")
    ) { try run(latent: Tensor(shape: [16, 3, 4], repeating: 0)) }
  }

  @Test("ends with the same bits for any number of threads, kept or recomputed")
  func deterministic() throws {
    let states = try atWidths([1, 2, 3]) { try finish(run()) }
    let one = states[0]
    #expect(one == states[1] && one == states[2])
    #expect(try finish(run(keepsActivations: false)) == one)
    #expect(try finish(run(phase: .fast)).adapter != one.adapter)
  }

  @Test("adds its arithmetic to a state that was computed with another, once")
  func resumingElsewhere() throws {
    let run = try run()
    let state = TrainingState(
      adapter: run.state.adapter, optimiser: run.state.optimiser, settings: run.state.settings,
      arithmetic: ["OpenBLAS 0.3.21 Prescott, x86-64-v3"])
    run.resume(from: state)
    let both = ["OpenBLAS 0.3.21 Prescott, x86-64-v3", Arithmetic.name]
    #expect(run.state.arithmetic == both)
    run.resume(from: run.state)
    #expect(run.state.arithmetic == both)
  }

  @Test("continues a saved state as if it had never stopped", arguments: [1, 3, 5])
  func resuming(stop: Int) throws {
    let whole = try finish(run(dropout: 0.3))
    let first = try run(dropout: 0.3)
    for _ in 0..<stop { _ = try first.takeStep() }
    let second = try run(dropout: 0.3)
    second.resume(from: first.state)
    #expect(try finish(second) == whole)
  }

  @Test func visitsEveryTimestepEquallyOften() throws {
    let run = try run(batch: 5)
    var visits: [Float: Int] = [:]
    for _ in 0..<3 {
      for item in try run.takeStep().items { visits[item.sigma, default: 0] += 1 }
    }
    #expect(visits.count == 5)
    #expect(visits.values.allSatisfy { $0 == 3 })
  }

  @Test func lossesWithFixedNoiseFall() throws {
    let run = try run()
    let before = run.fixedNoiseLosses()
    // B is zero at first: the adapted model is the base.
    #expect(before.allSatisfy { $0.base == $0.adapted })
    _ = try finish(run)
    let after = run.fixedNoiseLosses()
    #expect(after.map(\.base) == before.map(\.base))
    let total = { (losses: [Double]) in losses.reduce(0, +) }
    #expect(total(after.map(\.adapted)) < total(before.map(\.base)))
  }

  @Test("drops captions about as often as asked")
  func dropout() throws {
    let run = try run(batch: 20, dropout: 0.25)
    var dropped = 0
    for _ in 0..<6 { dropped += try run.takeStep().items.count { $0.isCaptionDropped } }
    // 120 draws of probability 1/4: the standard deviation is 4.7; three of them.
    #expect(abs(dropped - 30) <= 14)
  }

  @Test func publishedArithmeticDiffersALittle() throws {
    let exact = try run().takeStep()
    let published = try run(published: true).takeStep()
    #expect(exact.loss != published.loss)
    #expect(published.loss.isFinite)
  }
}
