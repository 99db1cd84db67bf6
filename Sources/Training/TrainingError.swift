public import SystemPackage

/// Why a training run can't start, continue or save.
public enum TrainingError: Error, Equatable {
  /// Nothing would be trained.
  case nothingToTrain(detail: String)
  /// A saved state can't be read or is damaged.
  case damagedState(file: FilePath, detail: String)
  /// A saved state belongs to a run with other settings.
  case settingsDiffer(file: FilePath, key: String, saved: String, asked: String)
  /// There is nothing to resume.
  case noState(folder: FilePath)
  /// The state can't be written.
  case cannotSave(file: FilePath, detail: String)
  /// The loss is NaN or infinite.
  case notFinite(step: Int, detail: String)
}

extension TrainingError: CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .nothingToTrain(let detail):
      detail
    case .damagedState(let file, let detail):
      "\(file): \(detail)"
    case .settingsDiffer(let file, let key, let saved, let asked):
      "\(file): '\(key)' was \(saved) when this state was saved, and is \(asked) now; "
        + "resume with the same settings, or start anew without --resume"
    case .noState(let folder):
      "\(folder): no saved state to resume from; start without --resume"
    case .cannotSave(let file, let detail):
      "\(file): \(detail)"
    case .notFinite(let step, let detail):
      "step \(step + 1): the loss is not finite; \(detail)"
    }
  }
}
