/// What training makes an expert's velocity equal to.
public enum Objective: Sendable, Equatable {
  /// The straight line from a noise to the sample: noise - latent, as published.
  case flowMatching
  /// The mean velocity of the frozen teacher from the noised sample to the schedule's next noise level,
  /// integrated in so many sub-steps.
  case interval(substeps: Int)
  /// The mean velocity between two of the schedule's noise levels along the teacher's own walks from pure
  /// noise, so many of every caption.
  case path(trajectories: Int)

  /// The family of objectives: `flow-matching`, `interval`, `path`.
  public var name: String {
    switch self {
    case .flowMatching: "flow-matching"
    case .interval: "interval"
    case .path: "path"
    }
  }

  /// Whether the frozen base is asked for targets.
  public var asksTeacher: Bool { self != .flowMatching }

  /// Walks of the teacher of every caption; nil where none are needed.
  public var trajectories: Int? { if case .path(let count) = self { count } else { nil } }

  /// Whether latents of pictures are needed.
  public var needsPictures: Bool { trajectories == nil }

  /// Evaluations of the teacher for one item of a training step.
  public var teacherEvaluations: Int {
    if case .interval(let substeps) = self { substeps } else { 0 }
  }

  static let defaultSubsteps = 5
  static let defaultTrajectories = 4
  private static let counts = 1...1000
}

extension Objective: CustomStringConvertible {
  /// As ``init(parsing:)`` reads it.
  public var description: String {
    switch self {
    case .flowMatching: name
    case .interval(let count), .path(let count): "\(name):\(count)"
    }
  }

  /// What a text says, such as `interval` or `interval:8`; nil where it is none.
  public init?(parsing text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let count =
      parts.count == 2 ? Int(parts[1]).flatMap { Self.counts.contains($0) ? $0 : nil } : nil
    guard parts.count == 1 || count != nil else { return nil }
    switch parts.first {
    case "flow-matching" where parts.count == 1: self = .flowMatching
    case "interval": self = .interval(substeps: count ?? Self.defaultSubsteps)
    case "path": self = .path(trajectories: count ?? Self.defaultTrajectories)
    default: return nil
    }
  }
}
