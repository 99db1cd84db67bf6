public import Failures

/// How a number between two that a type has is rounded.
public enum Rounding: Sendable, Equatable {
  /// To the nearer, of two equally near ones to the even.
  case nearest
  /// To either, the nearer with the higher probability, so that the mean is right. The same seed
  /// gives the same numbers.
  case stochastic(seed: UInt64)
  /// To the nearer after adding what rounding the elements before lost, so that errors cancel.
  case feedback

  /// Reads `nearest`, `stochastic`, `stochastic:SEED` or `feedback`.
  ///
  /// - Throws: ``UnknownRounding`` for other text.
  public init(parsing text: String) throws(UnknownRounding) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let seed = parts.count == 2 ? UInt64(parts[1]) : 0
    switch (parts[0], parts.count, seed) {
    case ("nearest", 1, _): self = .nearest
    case ("feedback", 1, _): self = .feedback
    case ("stochastic", _, let seed?): self = .stochastic(seed: seed)
    default:
      throw UnknownRounding(text: text)
    }
  }

  /// As options take it.
  public var text: String {
    switch self {
    case .nearest: "nearest"
    case .stochastic(let seed): "stochastic:\(seed)"
    case .feedback: "feedback"
    }
  }
}

/// A text that names no rounding.
public struct UnknownRounding: ClassifiedError, CustomStringConvertible {
  /// The text.
  public let text: String
  /// A mistake of usage.
  public var failureKind: FailureKind { .usage }
  /// One line.
  public var description: String {
    "expected nearest, stochastic:SEED or feedback, found '\(text)'"
  }
}
