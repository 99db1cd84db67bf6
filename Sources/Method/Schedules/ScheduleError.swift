public import Failures
internal import Text

/// Why a schedule can't be made as asked.
///
/// `source` is where the value comes from, as a person knows it: a file, an option of the command
/// line such as `--slow-steps`, or a preset.
public enum ScheduleError: Error, Equatable {
  /// A value is not of the kind that its place needs.
  case invalid(source: String, expected: String, found: String)
  /// A setting that this toolkit knows and does not have.
  case unsupported(source: String, setting: String, advice: String)
  /// No preset has that name.
  case unknownPreset(source: String, name: String, known: [String])
  /// An index past the teacher's last step.
  case stepOutOfRange(source: String, step: Int, teacherSteps: Int)
  /// Steps or sigmas that do not run one way: indices up, sigmas down.
  case outOfOrder(source: String, previous: String, next: String, expected: String)
  /// A phase without a step.
  case emptyPhase(source: String, phase: Phase)
  /// Options that exclude each other.
  case conflict(source: String, with: String, reason: String)
}

extension ScheduleError: CustomStringConvertible {
  /// One line: source, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .invalid(let source, let expected, let found):
      "\(source): expected \(expected), found \(found)"
    case .unsupported(let source, let setting, let advice):
      "\(source): \(setting) is not supported; \(advice)"
    case .unknownPreset(let source, let name, let known):
      "\(source): no schedule '\(name)'; presets are \(known.joined(separator: ", ")), "
        + "else teacher:N or a list of sigmas such as 1,0.9,0.75,0.5"
    case .stepOutOfRange(let source, let step, let teacherSteps):
      "\(source): step \(step) of a teacher with \(teacherSteps) steps, "
        + "expected 0 to \(teacherSteps - 1)"
    case .outOfOrder(let source, let previous, let next, let expected):
      "\(source): \(next) follows \(previous), expected \(expected)"
    case .emptyPhase(let source, let phase):
      "\(source): leaves no step to the phase '\(phase)'"
    case .conflict(let source, let other, let reason):
      "\(source): can't be combined with \(other): \(reason)"
    }
  }
}

extension ScheduleError: ClassifiedError {
  /// Wrong data where a file or an adapter's metadata is the source, else a mistake of usage.
  public var failureKind: FailureKind {
    let source =
      switch self {
      case .invalid(let source, _, _), .unsupported(let source, _, _),
        .unknownPreset(let source, _, _), .stepOutOfRange(let source, _, _),
        .outOfOrder(let source, _, _, _), .emptyPhase(let source, _), .conflict(let source, _, _):
        source
      }
    return source.utf8HasPrefix("--") ? .usage : .wrongData
  }
}
