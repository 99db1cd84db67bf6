public import Compute
public import DiffusionTransformers
internal import JSON
public import MessagePassing
public import Schedules

/// A rank that does what the first one asks for: its part of every step, until the run is over.
public struct TrainingHand {
  private let ranks: Ranks
  private let model: any DiffusionTransformer
  private let targets: [LinearLayer]
  private let schedule: PhaseSchedule
  private let phases: [Phase]
  private let configuration: SchedulerConfiguration
  private let settings: TrainingSettings

  /// A rank's part in a run; see ``TrainingRun``'s.
  public init(
    _ ranks: Ranks, model: any DiffusionTransformer, targets: [LinearLayer],
    schedule: PhaseSchedule, phases: [Phase], configuration: SchedulerConfiguration,
    settings: TrainingSettings
  ) {
    self.ranks = ranks
    self.model = model
    self.targets = targets
    self.schedule = schedule
    self.phases = phases
    self.configuration = configuration
    self.settings = settings
  }

  /// Works until the first rank ends the run.
  ///
  /// - Parameters:
  ///   - facts: digests of what this rank reads, to be compared with the first one's.
  ///   - shouldStop: asked after every step; the first rank is told.
  /// - Throws: ``RankError``; what is wrong in the inputs.
  public func work(facts: () throws -> [RankFact], shouldStop: () -> Bool) throws {
    var material: TrainingMaterial?
    var sources: [Int: ItemGradients] = [:]
    var adapters: [Int: TrainableAdapter] = [:]
    while let order = CrewOrder(try ranks.broadcast(nil)), order != .end {
      guard case .step(let experts) = order else {
        material = try ranks.broadcast(material: nil)
        (sources, adapters) = ([:], [:])
        _ = try ranks.together(facts, facts: { $0 })
        continue
      }
      guard let material else {
        throw RankError.lost(rank: 0, detail: "it asks for a step without what is trained on")
      }
      var parts = try experts.map { expert in
        let phase = phases[expert.place]
        let source = try sources[expert.place] ?? source(phase, material)
        sources[expert.place] = source
        // Until the first step it is there for its shapes.
        let adapter = adapters[expert.place] ?? self.adapter(phase)
        adapters[expert.place] = nil
        return SharedStep.Part(source: source, adapter: adapter, step: expert.step)
      }
      _ = try SharedStep(ranks, experts: experts.count, batch: settings.batch)
        .take(&parts, shouldStop: shouldStop)
      for (expert, part) in zip(experts, parts) { adapters[expert.place] = part.adapter }
    }
    ranks.end()
  }

  private func source(_ phase: Phase, _ material: TrainingMaterial) throws -> ItemGradients {
    try ItemGradients(
      model: model, material: material, schedule: schedule, phase: phase,
      configuration: configuration, settings: settings)
  }

  private func adapter(_ phase: Phase) -> TrainableAdapter {
    TrainableAdapter(
      targets: targets, rank: settings.rank, alpha: settings.alpha,
      seed: TrainingRun.seed(of: phase, in: schedule, settings))
  }
}
