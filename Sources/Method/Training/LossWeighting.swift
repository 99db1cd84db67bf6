/// How much the loss at a noise level counts: w in w · mean((velocity - target)²).
///
/// Weights are scaled so that those of a phase's entries have the mean 1: the learning rate means the same
/// with all of them.
public enum LossWeighting: Sendable, Equatable {
  /// Every noise level alike, as published.
  case none
  /// Proportional to sigma.
  case sigma
  /// The smaller of the signal-to-noise ratio and a limit, times the square of sigma: the weight of the
  /// error of the picture that a velocity points to, which is sigma times the velocity's.
  ///
  /// **Source:** Hang et al., "Efficient diffusion training via min-SNR weighting strategy" (arXiv
  /// 2303.09556), section 3.4, with x0 = x - sigma · velocity.
  case minimumSNR(Double)
  /// One a step of the schedule, in its order.
  case list([Double])

  /// Weights of a phase's entries.
  ///
  /// - Parameters:
  ///   - sigmas: of the whole schedule's entries.
  ///   - phase: the indices of the phase's own.
  /// - Returns: one an entry of the phase, of mean 1; nil when all of them are 0, or when a list has another
  ///   number of weights than the schedule has steps.
  package func weights(of sigmas: [Float], phase: Range<Int>) -> [Float]? {
    let weights: [Double]
    switch self {
    case .none: return phase.map { _ in 1 }
    case .sigma: weights = phase.map { Double(sigmas[$0]) }
    case .minimumSNR(let limit):
      weights = phase.map { index in
        let sigma = Double(sigmas[index])
        return min((1 - sigma) * (1 - sigma), limit * sigma * sigma)
      }
    case .list(let list):
      guard list.count == sigmas.count else { return nil }
      weights = Array(list[phase])
    }
    let mean = weights.reduce(0, +) / Double(weights.count)
    return mean > 0 ? weights.map { Float($0 / mean) } : nil
  }
}

extension LossWeighting: CustomStringConvertible {
  /// As ``init(parsing:)`` reads it.
  public var description: String {
    switch self {
    case .none: "none"
    case .sigma: "sigma"
    case .minimumSNR(let limit): "min-snr:\(limit)"
    case .list(let list): list.map { "\($0)" }.joined(separator: ",")
    }
  }

  /// What a text says: `none`, `sigma`, `min-snr:5` or numbers joined by commas; nil where it is none.
  public init?(parsing text: String) {
    switch text {
    case "none": self = .none
    case "sigma": self = .sigma
    default:
      if text.hasPrefix("min-snr:") {
        guard let limit = Double(text.dropFirst("min-snr:".count)), limit.isFinite, limit > 0 else {
          return nil
        }
        self = .minimumSNR(limit)
        return
      }
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      let list = parts.compactMap { Double($0) }.filter { $0.isFinite && $0 >= 0 }
      guard list.count == parts.count else { return nil }
      self = .list(list)
    }
  }
}
