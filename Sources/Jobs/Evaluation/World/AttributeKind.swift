/// What the checker of the tiny models' world tells of a picture, by kind.
///
/// **Source:** scripts/checker.py of the world, `HEADS` and `GROUPS`.
public enum AttributeKind: String, Sendable, CaseIterable {
  /// One shape and where it is, or two side by side or one above the other.
  case layout
  /// The background's colour.
  case background
  /// Small or large, of each shape.
  case size
  /// The colour of each shape.
  case color
  /// What each shape is.
  case shape

  /// The heads that tell it: one of the picture, or one each of the left or upper shape and the other.
  public var heads: [Int] {
    switch self {
    case .layout: [0]
    case .background: [1]
    case .size: [2, 5]
    case .color: [3, 6]
    case .shape: [4, 7]
    }
  }

  /// Heads of all kinds.
  static let headCount = allCases.reduce(0) { $0 + $1.heads.count }
}
