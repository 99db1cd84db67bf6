public import Failures

/// Why strengths by block can't be meant.
public enum BlockStrengthError: Error {
  /// A rule's name is no words between dots, or begins with a number.
  case badName(String)
  /// A strength that isn't finite.
  case badStrength(name: String, found: Double)
  /// Two rules of one name.
  case twice(String)
  /// A rule matches no module.
  case matchesNothing(rule: String, source: String, parts: [String])
  /// Every adapter has rules of its own, so that these are for none.
  case servesNone(rule: String, source: String)
  /// Every module of an adapter has strength 0.
  case leavesNothing(source: String)
}

extension BlockStrengthError: ClassifiedError, CustomStringConvertible {
  /// A mistake of usage.
  public var failureKind: FailureKind { .usage }

  /// One line: what was expected, what was found.
  public var description: String {
    switch self {
    case .badName(let name):
      "strengths by block: '\(name)' names no part of a model; expected words between dots, as in "
        + "double_blocks.0-7=0.5 or attn.to_q=0"
    case .badStrength(let name, let found):
      "strengths by block: '\(name)': expected a finite strength, found \(found)"
    case .twice(let name): "strengths by block: '\(name)' is given twice"
    case .matchesNothing(let rule, let source, let parts):
      "\(source): the strength of '\(rule)' is for no module that is changed; there are "
        + parts.prefix(12).joined(separator: "; ")
        + (parts.count > 12 ? "; and \(parts.count - 12) more" : "")
    case .servesNone(let rule, let source):
      "\(source): the strength of '\(rule)' is for no adapter: each has strengths by block of its own"
    case .leavesNothing(let source):
      "\(source): every module that is changed has strength 0"
    }
  }
}
