internal import Compute
internal import JSON
public import MessagePassing

/// The first rank of a run that computes on several, as a leader of the others: what they are told.
///
/// With no others it does all itself.
public final class TrainingCrew {
  private let ranks: Ranks?
  /// Whether another rank wants the run to stop, after a signal that it got.
  public private(set) var wantsToStop = false
  /// Whether a message was lost, so that the others can't be told anything.
  private var isBroken = false

  /// The crew of these ranks, of which this is the first; nil: it is alone.
  public init(_ ranks: Ranks?) { self.ranks = ranks }

  private func telling<Result>(_ body: (Ranks) throws -> Result) throws -> Result? {
    guard let ranks else { return nil }
    do { return try body(ranks) } catch let error as RankError {
      isBroken = true
      throw error
    }
  }

  /// Gives the others what is trained on, and has them compare what they read with what was read here.
  ///
  /// - Parameters:
  ///   - material: what is trained on.
  ///   - facts: digests of what was read.
  /// - Throws: ``RankError/differs(rank:host:what:found:expected:)``.
  public func provide(_ material: TrainingMaterial, _ facts: [RankFact]) throws {
    try telling { ranks in
      _ = try ranks.broadcast(CrewOrder.material.json)
      _ = try ranks.broadcast(material: material)
    }
    guard let ranks else { return }
    do {
      _ = try ranks.together({ facts }, facts: { $0 })
    } catch {
      isBroken = true
      throw error
    }
  }

  /// Takes a step of some runs, each by its place among the plan's phases.
  ///
  /// - Returns: what the steps did.
  /// - Throws: when a loss is not finite, and ``RankError``: that expert's state, and those of the ones behind it, are
  ///   then as they were.
  public func takeStep(
    of runs: [(place: Int, run: TrainingRun)]
  ) throws -> [TrainingRun.StepResult] {
    let shared = try telling { ranks in
      _ = try ranks.broadcast(
        CrewOrder.step(runs.map { .init(place: $0.place, step: $0.run.state.step) }).json)
      return try gather(runs.map(\.run), ranks)
    }
    guard let shared else { return try runs.map { try $0.run.takeStep() } }
    return try zip(runs, shared).map { try $0.run.apply($1.0, of: $1.1) }
  }

  private func gather(
    _ runs: [TrainingRun], _ ranks: Ranks
  ) throws -> [([String: FactorGradients], [TrainingRun.ItemResult])] {
    var parts = runs.map {
      SharedStep.Part(source: $0.source, adapter: $0.state.adapter, step: $0.state.step)
    }
    let step = SharedStep(ranks, experts: runs.count, batch: runs.first?.settings.batch ?? 1)
    let (results, stops) = try step.take(&parts, shouldStop: { false })
    wantsToStop = wantsToStop || stops
    return results
  }

  /// Tells the others that the run is over, whatever its end; not where they can't be told.
  public func dismiss() {
    guard let ranks, !isBroken, !ranks.isOver else { return }
    do {
      _ = try ranks.broadcast(CrewOrder.end.json)
      ranks.end()
    } catch { isBroken = true }
  }
}

/// What the first rank tells the others to do.
enum CrewOrder: Equatable {
  /// The step of an expert.
  struct Expert: Equatable {
    /// The place of its phase among the plan's.
    let place: Int
    /// Number of the step.
    let step: Int
  }

  /// Take what is trained on.
  case material
  /// Do your part of a step.
  case step([Expert])
  /// The run is over.
  case end

  var json: JSONValue {
    switch self {
    case .material: ["do": "material"]
    case .end: ["do": "end"]
    case .step(let experts):
      [
        "do": "step",
        "experts": .array(
          experts.map { ["place": .integer(Int64($0.place)), "step": .integer(Int64($0.step))] }),
      ]
    }
  }

  init?(_ json: JSONValue) {
    switch json["do"]?.string {
    case "material": self = .material
    case "end": self = .end
    case "step":
      let experts = (json["experts"]?.array ?? []).compactMap { value -> Expert? in
        guard let place = value["place"]?.integer, let step = value["step"]?.integer else {
          return nil
        }
        return Expert(place: place, step: step)
      }
      self = .step(experts)
    default: return nil
    }
  }
}
