/// What a cosine between what was wanted and what survived means.
///
/// What survived is the wanted change, of some size, and rounding noise at right angles to it: the
/// noise's share of the squared norm is 1 - cosine². The limits are those at which it is 2 %, a fifth
/// and half of it.
public enum SurvivalVerdict: String, Sendable, CaseIterable {
  /// Nothing was wanted: the adapters change nothing.
  case nothingWanted
  /// Rounding took every change away.
  case nothingSurvives
  /// More than half of what changed is noise.
  case mostlyNoise
  /// Between a fifth and half of what changed is noise.
  case muchNoise
  /// Up to a fifth of what changed is noise.
  case someNoise
  /// Nearly no noise.
  case survives
}

extension Survival {
  /// What the cosine means.
  public var verdict: SurvivalVerdict {
    guard let cosine else { return .nothingWanted }
    if survivedSquares == 0 { return .nothingSurvives }
    switch cosine {
    case 0.99...: return .survives
    case 0.9..<0.99: return .someNoise
    case 0.7..<0.9: return .muchNoise
    default: return .mostlyNoise
    }
  }
}

extension SurvivalVerdict: CustomStringConvertible {
  /// A clause about what the merge changed.
  public var description: String {
    switch self {
    case .nothingWanted: "nothing changed: the adapters change nothing"
    case .nothingSurvives: "nothing changed: rounding took the adapter away"
    case .mostlyNoise: "what changed is mostly rounding noise"
    case .muchNoise: "what changed is the adapter, with much rounding noise"
    case .someNoise: "what changed is the adapter, with some rounding noise"
    case .survives: "what changed is the adapter, nearly without rounding noise"
    }
  }
}
