public import Failures
public import SystemPackage

/// Why a path can't be inspected, besides what reading it throws.
public enum InspectionError: Error {
  /// What was asked makes no sense for this kind of file.
  case notComparable(file: FilePath, detail: String)
}

extension InspectionError: ClassifiedError, CustomStringConvertible {
  /// What went wrong in general.
  public var failureKind: FailureKind { .wrongData }

  /// One line: file, what was found, what to do.
  public var description: String {
    switch self {
    case .notComparable(let file, let detail): "\(file): \(detail)"
    }
  }
}
