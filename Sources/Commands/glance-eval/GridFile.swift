internal import Ablation
internal import ArgumentParser
internal import CommandSupport
internal import Drawing
internal import Evaluation
internal import ExpertTraining
internal import JSON
internal import Pipelines
internal import SystemPackage
internal import TrainingOptionGroups

/// A table of arms in a file, `glance-grid/1`: docs/evaluation.md.
///
/// Options stand in it by their long names, as in the files of `glance-train-lora --config`; paths count from
/// the file's folder.
struct GridFile {
  /// What the table asks for.
  let request: AblationRequest
  /// Prompts whose pictures are on the page.
  let gridPrompts: Int

  private static let format = "glance-grid/1"
  private static let keys = [
    "format", "description", "model", "evaluate", "train", "training-seeds", "arms",
  ]

  /// Reads a table.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - model: the model's folder, instead of the file's.
  ///   - only: arms whose names have one of these in them; none: all.
  /// - Throws: ``ConfigurationFile/Failure`` with the place in the file.
  init(reading file: FilePath, model: FilePath?, only: [String]) throws {
    let object = try ConfigurationFile.object(in: file)
    let place = GridPlace(file)
    guard object["format"]?.string == Self.format else {
      throw place.wrong("format", expected: "\"\(Self.format)\"", found: object["format"])
    }
    try place.checkKeys(of: object, among: Self.keys)
    let model = try model ?? place.path(object["model"], "model")
    let family = try DiffusionPipeline(opening: model).defaults.family
    var evaluation = try place.options(
      EvaluationOptions.self, in: object["evaluate"], "evaluate")
    // Not among the paths of all files: trainings have a number of this name.
    evaluation.clip = evaluation.clip.map { place.path($0) }
    gridPrompts = evaluation.gridPrompts
    guard let arms = object["arms"]?.array, !arms.isEmpty else {
      throw place.wrong("arms", expected: "a list of arms", found: object["arms"])
    }
    let common = try place.object(object["train"], "train")
    let found = try arms.enumerated().compactMap { index, arm -> AblationArm? in
      try GridArm(
        place, arm, at: index, common: common, model: model, family: family
      ).arm
    }.filter { arm in only.isEmpty || only.contains { arm.drawing.name.contains($0) } }
    guard !found.isEmpty else {
      throw place.failure(
        only.isEmpty
          ? "no arm is for the family \(family)"
          : "no arm has \(only.map { "'\($0)'" }.joined(separator: " or ")) in its name")
    }
    var request = AblationRequest(
      evaluation: try evaluation.request(model: model, arms: []), arms: found)
    request.trainingSeeds = try place.count(object["training-seeds"], "training-seeds") ?? 1
    self.request = request
  }
}
