public import Failures

/// Why pictures can't be drawn as they were asked for.
public enum DrawingError: Error, Equatable {
  /// An adapter was made for another family.
  case otherFamily(source: String, family: String, model: String, modelFamily: String)
  /// A value that was given can't be used.
  case invalid(source: String, expected: String, found: String)
}

extension DrawingError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .otherFamily(let source, let family, let model, let modelFamily):
      "\(source): an adapter for \(family), but \(model) is \(modelFamily)"
    case .invalid(let source, let expected, let found):
      "\(source): expected \(expected), found \(found)"
    }
  }

  /// Wrong data, but for the options.
  public var failureKind: FailureKind {
    switch self {
    case .otherFamily: .wrongData
    case .invalid: .usage
    }
  }
}
