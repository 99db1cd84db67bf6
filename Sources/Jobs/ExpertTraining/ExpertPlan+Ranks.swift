import Caching
import Checkpoints
internal import Compute
internal import Files
internal import JSON
public import MessagePassing
import Pipelines
import Schedules
internal import SystemPackage
public import Training

extension ExpertPlan {
  /// What every rank of a run must have alike before it begins: what each step depends on, what computes it, and
  /// what decides which rank computes what.
  public var facts: [RankFact] {
    let settings = runSettings.members { $0 != .file && $0 != .surroundings }
    return [
      RankFact("family", architecture.family.name),
      RankFact("arithmetic", Arithmetic.name),
      RankFact("phases", phases.map(\.name).joined(separator: ", ")),
      RankFact("sigmas", schedule.text),
      RankFact("samples", "\(request.samples.count)"),
      RankFact("modules", "\(modules.count)"),
    ] + settings.map { RankFact("--\($0.key)", $0.value.text()) }
  }

  /// How a step is shared among so many ranks.
  public func share(ranks: Int) -> StepShare {
    StepShare(
      experts: request.phasesAtOnce ? phases.count : 1, batch: settings.batch, ranks: ranks)
  }

  /// Seconds of a step on so many ranks like this machine, from a trial of its speed: of the rank that has most
  /// items. Reading weights is not in it.
  public func stepSeconds(ranks: Int) -> Double {
    let items = share(ranks: ranks).largestCount
    return memory.step.seconds() * Double(items) / Double(settings.batch)
  }

  /// Does what the first rank asks for, until it ends the run; writes nothing.
  ///
  /// - Parameters:
  ///   - ranks: of which this is not the first.
  ///   - shouldStop: asked after every step; the first rank then ends the run.
  /// - Throws: what is wrong in the inputs; `RankError`.
  public func assist(_ ranks: Ranks, shouldStop: () -> Bool) throws {
    let model = transformer.transformer
    let hand = TrainingHand(
      ranks, model: model, targets: Self.layers(of: modules, model), schedule: schedule,
      phases: phases, configuration: pipeline.scheduler, settings: settings)
    // Read now, while the first rank prepares.
    let inputs = Result {
      Inputs(
        base: try baseDigest(request.cache?.contents(of: baseSnapshot)), results: nil,
        sampleDigest: try sampleDigest())
    }
    try hand.work(facts: { try inputs.get().facts }, shouldStop: shouldStop)
  }
}

extension ExpertPlan.Inputs {
  /// What every rank must have read alike.
  var facts: [RankFact] {
    [
      RankFact("SHA-256 of the transformer", base),
      RankFact("SHA-256 of pictures and captions", sampleDigest),
    ]
  }
}
