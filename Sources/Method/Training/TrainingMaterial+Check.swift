internal import Compute
internal import DiffusionTransformers

extension TrainingMaterial {
  /// Refuses what the model or the objective doesn't take.
  func check(model: any DiffusionTransformer, _ settings: TrainingSettings) throws {
    guard settings.captionDropout == 0 || empty != nil else {
      throw TrainingError.nothingToTrain(
        detail: "caption dropout needs the states of the empty caption")
    }
    guard !settings.isTeacherGuided || negative != nil else {
      throw TrainingError.nothingToTrain(
        detail: "a guided teacher needs the states of the negative prompt")
    }
    guard settings.objective.trajectories == nil || trajectories != nil else {
      throw TrainingError.nothingToTrain(
        detail: "the objective 'path' needs the teacher's trajectories")
    }
    for sample in samples { try check(sample, model, settings.objective) }
  }

  private func check(
    _ sample: TrainingSample, _ model: any DiffusionTransformer, _ objective: Objective
  ) throws {
    let shape = sample.latentShape
    guard 4 * shape[0] == model.tokenChannels, shape.allSatisfy({ $0 > 0 }),
      shape[1].isMultiple(of: 2), shape[2].isMultiple(of: 2)
    else {
      throw TrainingError.badSample(
        name: sample.name,
        detail: "expected a latent of [\(model.tokenChannels / 4), height, width] with even height "
          + "and width, found \(shape)")
    }
    guard sample.mean != nil || !objective.needsPictures else {
      throw TrainingError.badSample(
        name: sample.name, detail: "the objective '\(objective.name)' needs a picture")
    }
    do {
      try model.check(sample.conditioning, from: .init(text: "caption", pooled: "caption"))
      if let empty { try model.check(empty, from: .init(text: "no caption", pooled: "no caption")) }
      if let negative {
        try model.check(negative, from: .init(text: "negative prompt", pooled: "negative prompt"))
      }
    } catch { throw TrainingError.badSample(name: sample.name, detail: "\(error)") }
  }
}
