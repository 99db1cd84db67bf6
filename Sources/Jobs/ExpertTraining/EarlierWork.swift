internal import Adapters
internal import Checkpoints
internal import Files
internal import JSON
internal import Schedules
internal import Tensors
internal import Training

/// What an earlier run of the same settings left of an expert.
enum EarlierWork {
  /// Nothing.
  case nothing
  /// A state to go on from.
  case state(TrainingState)
  /// The expert that is asked for, and its last state where that is kept.
  case finished(TrainingState?)
  /// The expert after fewer steps, without the state that they would go on from.
  case shorter(steps: Int)
}

extension ExpertPlan {
  /// Looks for what an earlier run left.
  ///
  /// - Parameters:
  ///   - start: the expert's state before its first step.
  ///   - phase: whose expert it is.
  ///   - identity: what every step depends on.
  ///   - output: where the earlier run wrote.
  ///   - warn: called with what a person should know.
  /// - Returns: what there is.
  /// - Throws: when what is there comes from other settings, or has more steps than are asked for.
  func earlierWork(
    _ start: TrainingState, _ phase: Phase, _ identity: JSONObject, _ output: ExpertOutput,
    warn: (String) throws -> Void
  ) throws -> EarlierWork {
    var damaged: [TrainingError] = []
    let states = output.states(phase)
    do {
      let state = try states.newest(start: start) { damaged.append($0) }
      for error in damaged { try warn("\(error); the state before it is used") }
      guard state.step <= settings.steps else {
        throw TrainingError.tooManySteps(
          file: states.path, taken: state.step, asked: settings.steps)
      }
      guard state.step == settings.steps, output.file(phase).isTaken,
        case .finished? = try? finishedWork(phase, identity, output)
      else { return .state(state) }
      return .finished(state)
    } catch TrainingError.noState {
      for error in damaged { try warn("\(error); no state before it is left") }
      return output.file(phase).isTaken ? try finishedWork(phase, identity, output) : .nothing
    }
  }

  /// Compares the expert that is there with the one that is asked for.
  private func finishedWork(
    _ phase: Phase, _ identity: JSONObject, _ output: ExpertOutput
  ) throws -> EarlierWork {
    let file = output.file(phase)
    let metadata = try GlanceMetadata(TensorSource(openingAny: file).metadata, file: file)
    guard let settings = metadata.settings.flatMap({ try? JSONValue(parsing: $0).object }) else {
      throw ExpertTrainingError.exists(
        file: file,
        advice:
          "it doesn't tell how it was trained, so that nothing can go on from it: choose another "
          + "--name, or start anew with --force instead of --resume")
    }
    var found = settings
    found["phase"] = metadata.phase.map { .string($0) }
    found["sigmas"] = metadata.sigmas.map { .string($0) }
    found["base_sha256"] = metadata.baseSHA256.map { .string($0) }
    found["sample_sha256"] = metadata.sampleSHA256.map { .string($0) }
    var asked = decidingSettings(output)
    for member in identity.members { asked[member.key] = member.value }
    for key in asked.members.map(\.key) + found.members.map(\.key)
    where key != "steps" && found[key] != asked[key] {
      throw TrainingError.settingsDiffer(
        file: file, key: key, saved: found[key]?.text() ?? "absent",
        asked: asked[key]?.text() ?? "absent")
    }
    let steps = found["steps"]?.integer ?? 0
    guard steps <= self.settings.steps else {
      throw TrainingError.tooManySteps(file: file, taken: steps, asked: self.settings.steps)
    }
    return steps == self.settings.steps ? .finished(nil) : .shorter(steps: steps)
  }
}
