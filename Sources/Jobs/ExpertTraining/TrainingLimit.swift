/// What a number that a person gives may be: one table for the command line and for requests.
public enum TrainingLimit: String, CaseIterable, Sendable {
  case steps, batch, rank, warmup
  case alpha, strength, lr
  case weightDecay = "weight-decay"
  case beta1, beta2, eps, clip
  case captionDropout = "caption-dropout"
  case guidance, cfg
  case textTokens = "text-tokens"
  case saveEvery = "save-every"
  case previewEvery = "preview-every"

  /// The option that gives it.
  public var option: String { "--" + rawValue }

  private enum Range {
    case whole(ClosedRange<Int>)
    case number(ClosedRange<Double>, String)
  }

  private var range: Range {
    switch self {
    case .steps: .whole(1...10_000_000)
    case .batch: .whole(1...4096)
    case .rank: .whole(1...4096)
    case .warmup: .whole(0...10_000_000)
    case .textTokens: .whole(1...4096)
    case .saveEvery, .previewEvery: .whole(0...10_000_000)
    case .alpha: .number(1e-6...1e9, "a number from 0.000001 to 1000000000")
    case .strength: .number(1e-3...10, "a number from 0.001 to 10")
    case .lr: .number(0...1e3, "a number from 0 to 1000")
    case .weightDecay: .number(0...1e3, "a number from 0 to 1000")
    case .beta1: .number(0...0.999_999, "a number from 0 to 0.999999")
    case .beta2: .number(0...0.999_999_9, "a number from 0 to 0.9999999")
    case .eps: .number(1e-30...1, "a number from 1e-30 to 1")
    case .clip: .number(0...1e9, "a number from 0 to 1000000000")
    case .captionDropout: .number(0...1, "a number from 0 to 1")
    case .cfg: .number(1...1e3, "a number from 1 to 1000")
    case .guidance: .number(0...1e3, "a number from 0 to 1000")
    }
  }

  /// Refuses a whole number outside the range; nil is in it.
  public func check(_ value: Int?) throws {
    guard let value, case .whole(let range) = range, !range.contains(value) else { return }
    throw ExpertTrainingError.invalid(
      option: option,
      expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      found: "\(value)")
  }

  /// Refuses a number outside the range, or none at all; nil is in it.
  public func check(_ value: Double?) throws {
    guard let value, case .number(let range, let words) = range, !range.contains(value) else {
      return
    }
    throw ExpertTrainingError.invalid(option: option, expected: words, found: "\(value)")
  }
}
