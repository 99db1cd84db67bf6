public import Adapters
internal import Checkpoints

/// What to expect when an adapter is used together with another one: an expert with a style, or
/// with a few-step adapter.
public struct AdapterCompatibility: Sendable {
  /// Norms and cosines of every module.
  public let comparison: AdapterComparison
  /// Shares of spaces of every module that both change.
  public let overlap: SubspaceOverlap
  /// Paths that both change, with weights of one shape.
  public let sharedModules: [String]
  /// Cosine over the shared modules; nil when there are none or one changes nothing there.
  public let cosine: Double?
  /// Norm of the second over the shared modules, divided by that of the first; nil without any.
  public let relativeNorm: Double?
  /// What follows.
  public let verdict: Verdict

  /// What follows from cosine and overlap of two adapters.
  public enum Verdict: String, Sendable, CaseIterable {
    /// They were made for different families, or a module has another shape in each.
    case incompatible
    /// One of them, or both, changes nothing.
    case noEffect
    /// They serve different phases of a schedule, and so never run together.
    case differentPhases
    /// Both change every module by the same amounts.
    case same
    /// No module is changed by both.
    case disjoint
    /// They change the same modules in unrelated directions.
    case nearlyOrthogonal
    /// They use the same directions, and yet their changes are unrelated.
    case sharedDirections
    /// Their changes have much in common.
    case reinforcing
    /// Their changes work against each other.
    case opposed
  }

  /// From this cosine on, changes are related: there the norm of a sum of two equally strong changes
  /// differs by 5 % from that of unrelated ones. Unrelated changes of rank 16 in FLUX have cosines
  /// of 1e-3 and less.
  public static let relatedCosine = 0.1
  /// From this share of common space on, either of what is read or of what is written, directions
  /// are shared. Unrelated spaces of rank 16 in 3072 dimensions share 0.5 %.
  public static let sharedSpace = 0.25

  /// Compares two adapters of one family.
  ///
  /// - Parameters:
  ///   - a: the first.
  ///   - b: the second.
  ///   - phases: the phases of a schedule that they serve; nil for all.
  /// - Throws: ``AlgebraError`` when factors can't be computed with.
  public init(
    _ a: Adapter, _ b: Adapter, phases: (a: String?, b: String?) = (nil, nil)
  ) throws {
    let comparison = AdapterComparison(a, b)
    let overlap = try SubspaceOverlap(a, b)
    let shared = Set(overlap.modules.map(\.path))
    let total = comparison.total { shared.contains($0) }
    let familiesDiffer = a.family.map { own in b.family.map { $0.name != own.name } ?? false }
    self.comparison = comparison
    self.overlap = overlap
    sharedModules = overlap.modules.map(\.path)
    cosine = total.cosine
    relativeNorm = total.normA > 0 ? total.normB / total.normA : nil
    let haveOwnPhases = phases.a.map { a in phases.b.map { $0 != a } ?? false } ?? false
    if familiesDiffer == true || !comparison.differentShapes.isEmpty {
      verdict = .incompatible
    } else if comparison.total.normA == 0 || comparison.total.normB == 0 {
      verdict = .noEffect
    } else if haveOwnPhases {
      verdict = .differentPhases
    } else if comparison.isIdentical {
      verdict = .same
    } else {
      verdict = Verdict(cosine: total.cosine, share: overlap.total)
    }
  }
}

extension AdapterCompatibility.Verdict {
  /// The verdict on adapters of one family.
  init(cosine: Double?, share: SubspaceOverlap.Share) {
    guard let cosine else {
      self = .disjoint
      return
    }
    if cosine <= -AdapterCompatibility.relatedCosine {
      self = .opposed
    } else if cosine >= AdapterCompatibility.relatedCosine {
      self = .reinforcing
    } else if max(share.columns, share.rows) >= AdapterCompatibility.sharedSpace {
      self = .sharedDirections
    } else {
      self = .nearlyOrthogonal
    }
  }
}

extension AdapterCompatibility.Verdict: CustomStringConvertible {
  /// One sentence, for people.
  public var description: String {
    switch self {
    case .incompatible: "made for different models: can't be used together"
    case .noEffect: "nothing to weigh: at least one of them changes nothing"
    case .differentPhases: "serve different phases, which never run together: nothing adds up"
    case .same: "the same adapter: together they are one at the sum of the strengths"
    case .disjoint: "change different modules: can be stacked"
    case .nearlyOrthogonal: "nearly orthogonal: can be stacked"
    case .sharedDirections:
      "use the same directions for different changes: can be stacked, but look at the result"
    case .reinforcing: "overlap: strengths add up; lower one of them"
    case .opposed: "opposed: each weakens the other"
    }
  }
}
