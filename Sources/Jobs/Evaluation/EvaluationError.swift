internal import Compute
public import Failures
public import SystemPackage

/// Why something can't be measured.
public enum EvaluationError: Error, Equatable {
  /// A file holds something else than what is measured.
  case wrongContent(file: FilePath, expected: String, found: String)
  /// Two sets of features have no common space.
  case dimensionsDiffer(FilePath, Int, FilePath, Int)
  /// A set has too few members for a covariance.
  case tooFew(file: FilePath, count: Int)
  /// Two arms have one name.
  case nameTwice(String)
  /// Labels that aren't one for each of the checker's heads.
  case labelCount(prompt: String, expected: Int, found: Int)
  /// A decomposition did not end, or is too large.
  case notComputable(what: String)
  /// There is no LAPACK.
  case noLibrary(what: String)
}

extension EvaluationError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .wrongContent(let file, let expected, let found):
      "\(file): expected \(expected), found \(found)"
    case .dimensionsDiffer(let first, let ours, let second, let theirs):
      "\(second): features of \(theirs) numbers, but \(first) has \(ours); take both from one network"
    case .tooFew(let file, let count):
      "\(file): expected features of at least 2 pictures, found \(count)"
    case .nameTwice(let name):
      "two arms are called '\(name)'; give each a name of its own"
    case .labelCount(let prompt, let expected, let found):
      "prompt '\(prompt)': expected \(expected) labels, one for each head of the checker, found \(found)"
    case .notComputable(let what):
      "\(what): can't be computed; are the features finite, and fewer than 16,384?"
    case .noLibrary(let what): "\(what): \(OpenBLAS.advice)"
    }
  }

  /// Wrong data, but for what this machine can't do.
  public var failureKind: FailureKind {
    switch self {
    case .notComputable, .noLibrary: .unavailable
    case .nameTwice: .usage
    default: .wrongData
    }
  }
}
