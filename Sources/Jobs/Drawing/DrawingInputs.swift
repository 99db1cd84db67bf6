internal import Adapters
internal import Checkpoints
internal import Pipelines
internal import SystemPackage

/// The files that a request names, opened: the model, its transformers' headers, and the adapters. Plans that
/// differ in how they draw have them in common.
struct DrawingInputs {
  let choice: ModelChoice
  let candidates: [AdapterCandidate]
  let adapterNotes: [(source: String, note: AdapterNote)]

  init(_ request: DrawingRequest) throws {
    choice = try ModelChoice(request)
    let files = try request.adapters.map {
      try AdapterCandidate.candidates($0, assumedAlpha: request.assumedAlpha)
    }
    candidates = files.flatMap(\.candidates)
    adapterNotes = files.flatMap(\.notes)
    try Self.checkFamilies(candidates, choice.pipeline)
  }

  /// Refuses adapters for another family than the model's.
  private static func checkFamilies(
    _ candidates: [AdapterCandidate], _ pipeline: DiffusionPipeline
  ) throws {
    let family = pipeline.defaults.family
    for candidate in candidates {
      guard let made = candidate.expert.adapter.family, made.name != family else { continue }
      throw DrawingError.otherFamily(
        source: candidate.request.file.string, family: made.title,
        model: pipeline.folder.path.string,
        modelFamily: ModelFamily.named(family)?.title ?? family)
    }
  }
}
