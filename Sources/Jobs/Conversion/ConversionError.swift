public import Failures
public import SystemPackage

/// Why an adapter can't be converted, besides what reading and writing it throw.
public enum ConversionError: Error {
  /// What was asked for makes no sense.
  case usage(String)
  /// The adapter holds something that the dialect can't carry.
  case unsupported(file: FilePath, detail: String)
}

extension ConversionError: ClassifiedError, CustomStringConvertible {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .usage: .usage
    case .unsupported: .wrongData
    }
  }

  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .usage(let text): text
    case .unsupported(let file, let detail): "\(file): \(detail)"
    }
  }
}
