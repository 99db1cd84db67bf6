/// How a number between two that a type has is rounded.
public enum Rounding: Sendable, Equatable {
  /// To the nearer, of two equally near ones to the even.
  case nearest
  /// To either, the nearer with the higher probability, so that the mean is right. The same seed
  /// gives the same numbers.
  case stochastic(seed: UInt64)
  /// To the nearer after adding what rounding the elements before lost, so that errors cancel.
  case feedback

  /// Reads `nearest`, `stochastic`, `stochastic:SEED` or `feedback`; nil for other text.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("nearest", 1): self = .nearest
    case ("feedback", 1): self = .feedback
    case ("stochastic", 1): self = .stochastic(seed: 0)
    case ("stochastic", 2):
      guard let seed = UInt64(parts[1]) else { return nil }
      self = .stochastic(seed: seed)
    default: return nil
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
