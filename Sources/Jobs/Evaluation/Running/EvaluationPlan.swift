public import Adapters
internal import Drawing

/// What a request comes to: every arm resolved, and what to tell the person.
public struct EvaluationPlan: Sendable {
  /// The request.
  public let request: EvaluationRequest
  /// The arms; the teacher first.
  public let arms: [Arm]
  /// What to tell the person.
  public let notes: [String]
  /// What to tell the person of each adapter's file.
  public let adapterNotes: [(source: String, note: AdapterNote)]
  /// Looks at the pictures; nil: attributes are not told.
  let checker: Checker?

  /// Tells how well pictures agree with their prompts; nil: nobody does.
  let clip: CLIPScore?

  /// Resolves a request. Reads headers, the checker and small parts of the CLIP model.
  ///
  /// - Throws: what can't be drawn or checked.
  public init(_ request: EvaluationRequest) throws {
    self.request = request
    var base = DrawingRequest(
      model: request.model, prompts: request.prompts.map(\.text), width: request.width,
      height: request.height)
    base.seed = request.seed
    base.picturesPerPrompt = request.seeds
    base.textTokens = request.textTokens
    base.cache = request.cache
    let list = try ArmList(base, request.arms, teacherSteps: request.teacherSteps)
    arms = list.arms
    adapterNotes = list.adapterNotes
    let hasLabels = request.prompts.contains { $0.labels != nil }
    let isChecked =
      hasLabels && request.checker != nil
      && Checker.takes(width: request.width, height: request.height)
    checker = isChecked ? try request.checker.map { try Checker(reading: $0) } : nil
    clip = try request.clip.map { try CLIPScore(folder: $0) }
    var notes = list.notes
    if let clip { notes += clip.notes(on: request.prompts.map(\.text)) }
    if hasLabels, checker == nil {
      notes.append(
        "attributes are not told: "
          + (request.checker == nil
            ? "there is no checker" : "the checker looks at pictures of 48x48 or 96x96"))
    }
    for prompt in request.prompts where checker != nil {
      if let labels = prompt.labels, labels.count != AttributeKind.headCount {
        throw EvaluationError.labelCount(
          prompt: prompt.text, expected: AttributeKind.headCount, found: labels.count)
      }
    }
    self.notes = notes
  }

  /// Pictures of a run of an arm.
  public var picturesPerRun: Int { request.prompts.count * request.seeds }

  /// Forward passes of all arms.
  public var passCount: Int {
    arms.reduce(0) { $0 + $1.plan.passesPerPicture * $1.runs.count } * picturesPerRun
  }
}
