import Compute
import DiffusionTransformers
import JSON
import MessagePassing
import ModelTestSupport
import Schedules
import TestSupport
import Testing
import Training

/// A run that ranks share, as threads of the test.
@Suite("A run that ranks share")
struct SharedTrainingTests {
  /// What both sides of a run need.
  private struct Inputs: Sendable {
    let model: any DiffusionTransformer
    let targets: [LinearLayer]
    let material: TrainingMaterial
    let schedule: PhaseSchedule
    let configuration: SchedulerConfiguration
    let settings: TrainingSettings

    init(batch: Int, walks: Bool = false) throws {
      let recording = Recording.flux
      model = try recording.transformer()
      targets = model.linearLayers.filter { $0.name.hasSuffix("to_q") }
      var settings = TrainingSettings()
      settings.rank = 2
      settings.alpha = 8
      settings.steps = 3
      settings.batch = batch
      settings.captionDropout = 0.3
      self.settings = settings
      configuration = SchedulerConfiguration(
        shift: .dynamic(
          .exponential,
          .init(baseTokens: 256, baseShift: 0.5, maxTokens: 4096, maxShift: 1.15)))
      let mean = try recording.tensor("train.safetensors", "latent", row: 0)
      schedule = try ScheduleRequest(.init(parsing: "glance-5+5")).schedule(
        configuration: configuration, tokens: TokenGrid(latentShape: mean.shape).count)
      let samples = try (0..<2).map { row in
        TrainingSample(
          name: "picture \(row)", mean: mean,
          deviation: row == 0 ? nil : Tensor(shape: mean.shape, repeating: 0.1),
          conditioning: try recording.conditioning(row: row))
      }
      material = TrainingMaterial(samples: samples, empty: try recording.conditioning(row: 2))
    }

    func run(_ phase: Phase) throws -> TrainingRun {
      try TrainingRun(
        model: model, targets: targets, material: material, schedule: schedule, phase: phase,
        configuration: configuration, settings: settings, identity: ["seed": 0])
    }

    /// What a rank of a run over these phases at once ends with: states, and the losses of items.
    func train(_ phases: [Phase], on ranks: Ranks?) throws -> ([TrainingState], [Double]) {
      if let ranks, !ranks.isFirst {
        try TrainingHand(
          ranks, model: model, targets: targets, schedule: schedule, phases: schedule.phases,
          configuration: configuration, settings: settings
        ).work(facts: { [RankFact("data", "same")] }, shouldStop: { false })
        return ([], [])
      }
      let crew = TrainingCrew(ranks)
      defer { crew.dismiss() }
      try crew.provide(material, [RankFact("data", "same")])
      let runs = try phases.map { phase in
        (place: schedule.phases.firstIndex(of: phase) ?? 0, run: try run(phase))
      }
      var losses: [Double] = []
      while !runs.allSatisfy(\.run.isFinished) {
        for result in try crew.takeStep(of: runs) {
          losses += result.items.map(\.loss) + [result.gradientNorm]
        }
      }
      return (runs.map(\.run.state), losses)
    }
  }

  @Test("ends with the bits of one process, however its items are split", arguments: [1, 2, 5])
  func sameBits(batch: Int) throws {
    let inputs = try Inputs(batch: batch)
    let (states, losses) = try inputs.train([.slow], on: nil)
    for count in 1...4 {
      let results = LocalRanks.run(count) { try inputs.train([.slow], on: $0) }
      for result in results.dropFirst() { #expect(try result.get().0.isEmpty) }
      let (found, foundLosses) = try results[0].get()
      #expect(found == states, "\(count) ranks")
      #expect(foundLosses == losses, "\(count) ranks")
    }
  }

  @Test("trains experts at once to the bits of one after the other", arguments: [1, 3])
  func atOnce(batch: Int) throws {
    let inputs = try Inputs(batch: batch)
    let apart = try [Phase.slow, .fast].map { try inputs.train([$0], on: nil).0[0] }
    #expect(try inputs.train([.slow, .fast], on: nil).0 == apart)
    for count in 2...4 {
      let results = LocalRanks.run(count) { try inputs.train([.slow, .fast], on: $0) }
      #expect(try results[0].get().0 == apart, "\(count) ranks")
    }
  }

  @Test("of other data is refused before its first step, by rank and name")
  func otherData() throws {
    let inputs = try Inputs(batch: 2)
    let results = LocalRanks.run(3) { ranks in
      if ranks.isFirst {
        let crew = TrainingCrew(ranks)
        defer { crew.dismiss() }
        return try crew.provide(inputs.material, [RankFact("base", "a")])
      }
      try TrainingHand(
        ranks, model: inputs.model, targets: inputs.targets, schedule: inputs.schedule,
        phases: inputs.schedule.phases, configuration: inputs.configuration,
        settings: inputs.settings
      ).work(
        facts: { [RankFact("base", ranks.rank == 2 ? "b" : "a")] }, shouldStop: { false })
    }
    let expected = RankError.differs(
      rank: 2, host: Ranks.host, what: "base", found: "b", expected: "a")
    #expect(throws: expected) { try results[0].get() }
    for result in results.dropFirst() {
      #expect(throws: RankError.dismissed(status: 64)) { try result.get() }
    }
  }
}
