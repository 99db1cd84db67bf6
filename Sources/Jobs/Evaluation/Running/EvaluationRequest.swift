public import Caching
public import SystemPackage

/// What a person asks to be measured.
public struct EvaluationRequest: Sendable {
  /// The pipeline's folder.
  public var model: FilePath
  /// The ways of drawing; the teacher and the plain model come by themselves.
  public var arms: [ArmRequest]
  /// The prompts.
  public var prompts: [EvaluatedPrompt]
  /// Pictures of every prompt and arm.
  public var seeds = 1
  /// Names the noise of the first picture of every prompt.
  public var seed: UInt64 = 0
  /// Width of the pictures in pixels.
  public var width: Int
  /// Height of the pictures in pixels.
  public var height: Int
  /// The teacher's steps.
  public var teacherSteps = 50
  /// The checker of the prompts' world; nil: attributes are not told.
  public var checker: FilePath?
  /// The folder of a CLIP model; nil: agreement with prompts is not told.
  public var clip: FilePath?
  /// How often prompts and seeds are drawn anew for the intervals.
  public var resamples = 10_000
  /// Length that captions are padded to or cut at.
  public var textTokens: Int?
  /// Where encoded prompts are kept for other runs; nil: nowhere.
  public var cache: ContentCache?

  /// A request for pictures of a size.
  public init(
    model: FilePath, arms: [ArmRequest], prompts: [EvaluatedPrompt], width: Int, height: Int
  ) {
    self.model = model
    self.arms = arms
    self.prompts = prompts
    self.width = width
    self.height = height
  }
}
