/// How an expert is trained.
public struct TrainingSettings: Sendable, Equatable {
  /// Optimiser steps.
  public var steps = 60
  /// Items whose gradients are averaged in a step.
  public var batch = 1
  /// Rank of every module.
  public var rank = 16
  /// Numerator of the scale alpha / rank.
  public var alpha = 64.0
  /// What the saved expert is of the trained one: its change is multiplied by it.
  public var strength = 1.0
  /// The learning rate over the steps.
  public var learningRate = LearningRate(peak: 5e-4)
  /// The constants of AdamW.
  public var optimiser = AdamW.Constants()
  /// Largest global norm of the gradients; nil: not clipped.
  public var clip: Double? = 1
  /// Share of visits whose caption is replaced by the family's empty one.
  public var captionDropout = 0.0
  /// What the adapter's velocity is made equal to.
  public var objective = Objective.flowMatching
  /// How much the loss at a noise level counts.
  public var weighting = LossWeighting.none
  /// Classifier-free guidance scale of the teacher; 1 is none. Of no effect for objectives that ask none.
  public var cfg = 1.0
  /// Whether guidance keeps the norm of the positive velocity, as the family does it.
  public var guidanceKeepsNorm = false
  /// Whether the student learns in one pass what the teacher's guidance comes to.
  public var foldsGuidance = false
  /// Guidance value told to models that take one.
  public var guidance = 1.0
  /// Names the random streams of the run.
  public var seed: UInt64 = 0
  /// Whether noise, mix and target are rounded to bfloat16, timesteps are rounded and looked up as
  /// the published code does, and timesteps are visited at random.
  public var followsPublishedArithmetic = false
  /// How many of the first blocks keep no activations for the backward pass but compute them again.
  public var recomputedBlockCount = 0

  /// The published FLUX.1 settings.
  public init() {}

  /// Whether the teacher takes two passes.
  public var isTeacherGuided: Bool { objective.asksTeacher && cfg != 1 }
  /// Whether the student takes two passes.
  var isStudentGuided: Bool { isTeacherGuided && !foldsGuidance }

  /// The scale at which the expert is drawn.
  public var drawingCFG: Double { foldsGuidance ? 1 : cfg }

  /// Forward passes of the teacher for an item of a step.
  public var teacherPasses: Int { objective.teacherEvaluations * (isTeacherGuided ? 2 : 1) }
  /// Passes of the student, forward and backward, for an item of a step.
  public var studentPasses: Int { isStudentGuided ? 2 : 1 }
}
