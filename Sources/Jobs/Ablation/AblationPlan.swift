internal import Compute
public import Evaluation
internal import ExpertTraining
internal import JSON
public import MessagePassing
public import SystemPackage

/// A table of arms with every training resolved.
public struct AblationPlan: Sendable {
  /// The request.
  public let request: AblationRequest
  /// The trainings, each once.
  public let trainings: [AblationTraining]
  /// The trainings of each arm, by their places; none for arms that draw with what there is.
  public let trainingsOfArms: [[Int]]

  /// Resolves a table. Reads headers and names of samples.
  ///
  /// - Throws: what can't be trained, or drawn with whatever is trained.
  public init(_ request: AblationRequest) throws {
    self.request = request
    var trainings: [AblationTraining] = []
    trainingsOfArms = try request.arms.map { arm in
      guard let asked = arm.training else { return [] }
      return try (0..<request.trainingSeeds).map { repetition in
        var repeated = asked
        repeated.seed &+= UInt64(repetition)
        repeated.cache = request.evaluation.cache
        let training = try AblationTraining(repeated)
        if let same = trainings.firstIndex(where: { $0.key == training.key }) { return same }
        trainings.append(training)
        return trainings.count - 1
      }
    }
    self.trainings = trainings
    // What is wrong in how arms draw is told before hours of training.
    _ = try evaluation { _, arm in
      var drawing = arm.drawing
      // A published sampler's mistakes need the phases that only trained experts declare.
      if arm.training != nil { drawing.compatibility = nil }
      return drawing
    }
  }

  /// Optimiser steps of some trainings; nil: of all.
  public func stepCount(_ places: [Int]? = nil) -> Int {
    (places ?? Array(trainings.indices)).reduce(0) { $0 + trainings[$1].stepCount }
  }

  /// What every rank must have alike that takes part in the table.
  public var facts: [RankFact] {
    [
      RankFact("arithmetic", Arithmetic.name),
      RankFact("arms", request.arms.map(\.drawing.name).joined(separator: ", ")),
      RankFact("trainings", trainings.map(\.key).joined(separator: ", ")),
      RankFact("evaluation", JSONValue.object(request.evaluation.identity).text()),
    ]
  }

  /// The evaluation of the trained table.
  ///
  /// - Parameter folder: where the experts are.
  /// - Returns: the plan of it.
  /// - Throws: what can't be drawn or checked, experts that aren't there among it.
  public func evaluation(in folder: FilePath) throws -> EvaluationPlan {
    try evaluation { index, arm in
      var drawing = arm.drawing
      if !trainingsOfArms[index].isEmpty {
        drawing.adapters = trainingsOfArms[index].map { training in
          arm.drawing.adapters[0]
            + trainings[training].adapters(in: folder, strength: arm.strength)
        }
      }
      return drawing
    }
  }

  private func evaluation(
    _ drawing: (_ index: Int, _ arm: AblationArm) -> ArmRequest
  ) throws -> EvaluationPlan {
    var evaluation = request.evaluation
    evaluation.arms = request.arms.enumerated().map(drawing)
    return try EvaluationPlan(evaluation)
  }
}
