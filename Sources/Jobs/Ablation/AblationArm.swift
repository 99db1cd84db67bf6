public import Evaluation
public import ExpertTraining

/// A row of a table: how experts are trained, and how they draw.
public struct AblationArm: Sendable {
  /// How it draws; its adapters stand before the experts that are trained for it.
  public var drawing: ArmRequest
  /// What is trained for it; nil: nothing.
  public var training: ExpertRequest?
  /// Strength of the experts that are trained.
  public var strength = 1.0

  /// An arm that draws with experts of its own, or with what there is.
  public init(drawing: ArmRequest, training: ExpertRequest? = nil) {
    self.drawing = drawing
    self.training = training
  }
}

/// A table of arms that a person asks for.
public struct AblationRequest: Sendable {
  /// How all arms are measured; its own arms are those of the table.
  public var evaluation: EvaluationRequest
  /// The arms.
  public var arms: [AblationArm]
  /// How often each training is repeated, with seeds that follow its own.
  public var trainingSeeds = 1

  /// A table measured in one way.
  public init(evaluation: EvaluationRequest, arms: [AblationArm]) {
    self.evaluation = evaluation
    self.arms = arms
  }
}
