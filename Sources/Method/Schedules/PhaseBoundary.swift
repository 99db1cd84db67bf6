/// Where the slow phase ends and the fast one begins.
public enum PhaseBoundary: Sendable, Equatable, CustomStringConvertible {
  /// The fast phase starts at this zero-based step of the teacher.
  case step(Int)
  /// Sigmas above this are slow; this sigma itself starts the fast phase.
  case sigma(Double)
  /// The same by the logarithm of the signal-to-noise ratio: lower ratios are slow.
  case logSNR(Double)

  /// The middle of the published cut (between −4.66 and −4.12 on Qwen-Image at 1024 × 1024), which
  /// is sigma 0.9.
  public static let standard = PhaseBoundary.logSNR(-4.39)

  /// Reads `step:10`, `sigma:0.9` or `logsnr:-4.39`.
  public init(parsing text: String, option: String = "--boundary") throws(ScheduleError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let value = parts.count == 2 ? String(parts[1]) : ""
    switch (parts.first ?? "", Int(value), Double(value)) {
    case ("step", let step?, _) where step >= 0: self = .step(step)
    case ("sigma", _, let sigma?) where 0 < sigma && sigma < 1: self = .sigma(sigma)
    case ("logsnr", _, let ratio?) where ratio.isFinite: self = .logSNR(ratio)
    default:
      throw .invalid(
        source: option,
        expected: "step:N, sigma:S with S between 0 and 1, or logsnr:L", found: "'\(text)'")
    }
  }

  /// Whether an entry of a schedule lies on the slow side; nil when the boundary is a teacher's step
  /// and the entry has none.
  func isSlow(_ entry: PhaseSchedule.Entry) -> Bool? {
    switch self {
    case .step(let step): entry.teacherStep.map { $0 < step }
    case .sigma(let boundary): Double(entry.sigma) > boundary
    case .logSNR(let boundary): SignalToNoise.logRatio(sigma: Double(entry.sigma)) < boundary
    }
  }

  /// As it is written on a command line and in an adapter's metadata.
  public var description: String {
    switch self {
    case .step(let step): "step:\(step)"
    case .sigma(let sigma): "sigma:\(sigma)"
    case .logSNR(let ratio): "logsnr:\(ratio)"
    }
  }
}
