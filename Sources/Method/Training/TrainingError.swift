public import Failures
public import SystemPackage

/// Why a training run can't start, continue or save.
public enum TrainingError: Error, Equatable {
  /// Nothing would be trained.
  case nothingToTrain(detail: String)
  /// A sample's latent or states are not what the model takes.
  case badSample(name: String, detail: String)
  /// A saved state can't be read or is damaged.
  case damagedState(file: FilePath, detail: String)
  /// A saved state belongs to a run with other settings.
  case settingsDiffer(file: FilePath, key: String, saved: String, asked: String)
  /// There is nothing to resume.
  case noState(folder: FilePath)
  /// A saved state has taken more steps than are asked for.
  case tooManySteps(file: FilePath, taken: Int, asked: Int)
  /// The state can't be written.
  case cannotSave(file: FilePath, detail: String, kind: FailureKind)
  /// The loss is NaN or infinite.
  case notFinite(step: Int, detail: String)
}

extension TrainingError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .nothingToTrain(let detail):
      detail
    case .badSample(let name, let detail):
      "\(name): \(detail)"
    case .damagedState(let file, let detail):
      "\(file): \(detail)"
    case .settingsDiffer(let file, "sample_sha256", _, _):
      "\(file): its pictures or captions were others when this was saved; resume with the same, or start "
        + "anew with --force instead of --resume"
    case .settingsDiffer(let file, let key, let saved, let asked):
      "\(file): '\(key)' was \(saved) when this was saved, and is \(asked) now; "
        + "resume with the same settings, or start anew with --force instead of --resume"
    case .tooManySteps(let file, let taken, let asked):
      "\(file): \(taken) steps are taken already, and --steps is \(asked); ask for as many or more, "
        + "or start anew with --force instead of --resume"
    case .noState(let folder):
      "\(folder): no saved state to resume from; start without --resume"
    case .cannotSave(let file, let detail, _):
      "\(file): \(detail)"
    case .notFinite(let step, let detail):
      "step \(step + 1): the loss is not finite; \(detail)"
    }
  }

  /// By what went wrong.
  public var failureKind: FailureKind {
    if case .cannotSave(_, _, let kind) = self { kind } else { .wrongData }
  }
}
