public import Failures
public import SystemPackage

/// Why something can't be timed, besides what running it throws.
public enum BenchmarkError: Error {
  /// A program that is timed isn't there or can't be started.
  case cannotStart(program: String, reason: Errno)
  /// A program that is timed failed.
  case failed(program: String, status: Int32)
  /// A program that is timed says something else than an answer.
  case notAnswered(program: String, found: String)
  /// A Python lacks packages.
  case lacks(python: String, packages: [String])
  /// Work in Python threw an error.
  case rivalFailed(python: String, work: String, error: String)
  /// A path has no safetensors header whose bytes could be read.
  case noHeader(file: FilePath, detail: String)
}

extension BenchmarkError: ClassifiedError, CustomStringConvertible {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .cannotStart, .failed, .notAnswered, .lacks, .rivalFailed: .unavailable
    case .noHeader: .wrongData
    }
  }

  /// One line: what was expected, what was found.
  public var description: String {
    switch self {
    case .cannotStart(let program, let reason): "\(program): can't be started: \(reason)"
    case .failed(let program, let status): "\(program): ended with status \(status)"
    case .notAnswered(let program, let found):
      "\(program): expected a Python that answers in JSON, found '\(found)'"
    case .lacks(let python, let packages):
      "\(python): lacks \(packages.joined(separator: ", ")); install with "
        + "'\(python) -m pip install \(packages.joined(separator: " "))', or name another Python"
    case .rivalFailed(let python, let work, let error): "\(python): \(work): \(error)"
    case .noHeader(let file, let detail): "\(file): \(detail)"
    }
  }
}
