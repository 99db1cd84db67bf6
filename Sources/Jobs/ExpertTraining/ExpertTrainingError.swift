public import Failures
public import SystemPackage

/// Why experts can't be trained from what was given.
public enum ExpertTrainingError: Error {
  /// A sample can't be used.
  case badSample(file: FilePath, detail: String, kind: FailureKind)
  /// A value that was given can't be used.
  case invalid(option: String, expected: String, found: String)
  /// Something is there already.
  case exists(file: FilePath, advice: String)
  /// An output can't be written.
  case cannotWrite(file: FilePath, detail: String)
}

extension ExpertTrainingError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .badSample(let file, let detail, _), .cannotWrite(let file, let detail):
      "\(file): \(detail)"
    case .invalid(let option, let expected, let found):
      "\(option): expected \(expected), found \(found)"
    case .exists(let file, let advice): "\(file): exists already; \(advice)"
    }
  }

  /// By what went wrong.
  public var failureKind: FailureKind {
    switch self {
    case .badSample(_, _, let kind): kind
    case .invalid: .usage
    case .exists, .cannotWrite: .outputRefused
    }
  }
}
