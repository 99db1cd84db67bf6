public import Failures
public import SystemPackage

/// Why something can't be timed, besides what running it throws.
public enum BenchmarkError: Error {
  /// A program that is timed isn't there or can't be started.
  case cannotStart(program: String, reason: Errno)
  /// A program that is timed failed.
  case failed(program: String, status: Int32)
  /// A path has no safetensors header whose bytes could be read.
  case noHeader(file: FilePath, detail: String)
}

extension BenchmarkError: ClassifiedError, CustomStringConvertible {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .cannotStart, .failed: .unavailable
    case .noHeader: .wrongData
    }
  }

  /// One line: what was expected, what was found.
  public var description: String {
    switch self {
    case .cannotStart(let program, let reason): "\(program): can't be started: \(reason)"
    case .failed(let program, let status): "\(program): ended with status \(status)"
    case .noHeader(let file, let detail): "\(file): \(detail)"
    }
  }
}
