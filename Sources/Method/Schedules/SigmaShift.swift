#if canImport(Glibc)
  internal import Glibc
#endif

/// How a scheduler bends an even grid of sigmas toward the noise.
public enum SigmaShift: Sendable, Equatable {
  /// s′ = shift · s / (1 + (shift − 1) · s), the same for every image size.
  case fixed(Double)
  /// By an amount mu that grows with the image.
  case dynamic(TimeShift, MuLine)

  /// The formula that mu enters.
  public enum TimeShift: String, Sendable {
    /// s′ = e^mu / (e^mu + 1/s − 1).
    case exponential
    /// s′ = mu / (mu + 1/s − 1).
    case linear
  }

  /// mu as a straight line over the number of image tokens, also outside the two given points.
  ///
  /// **Source:** black-forest-labs/flux, `src/flux/sampling.py`, `get_lin_function`.
  public struct MuLine: Sendable, Equatable {
    /// Image tokens of the first point.
    public var baseTokens: Int
    /// mu of the first point.
    public var baseShift: Double
    /// Image tokens of the second point.
    public var maxTokens: Int
    /// mu of the second point.
    public var maxShift: Double

    /// A line through two points; `maxTokens` differs from `baseTokens`.
    public init(baseTokens: Int, baseShift: Double, maxTokens: Int, maxShift: Double) {
      precondition(baseTokens != maxTokens, "two points of a line must differ")
      self.baseTokens = baseTokens
      self.baseShift = baseShift
      self.maxTokens = maxTokens
      self.maxShift = maxShift
    }

    /// mu for an image of that many tokens.
    public func mu(tokens: Int) -> Double {
      let slope = (maxShift - baseShift) / Double(maxTokens - baseTokens)
      return baseShift + slope * Double(tokens - baseTokens)
    }
  }

  /// mu for an image of that many tokens; nil for a fixed shift.
  public func mu(tokens: Int) -> Double? {
    if case .dynamic(_, let line) = self { line.mu(tokens: tokens) } else { nil }
  }

  /// The shifted sigma, both in (0, 1].
  ///
  /// **Source:** huggingface/diffusers, `scheduling_flow_match_euler_discrete.py`, `set_timesteps`,
  /// `_time_shift_exponential`, `_time_shift_linear`.
  func shifted(_ sigma: Double, tokens: Int) -> Double {
    let factor =
      switch self {
      case .fixed(let shift): shift
      case .dynamic(.exponential, let line): exp(line.mu(tokens: tokens))
      case .dynamic(.linear, let line): line.mu(tokens: tokens)
      }
    return factor / (factor + (1 / sigma - 1))
  }
}
