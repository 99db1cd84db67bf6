public import Failures
public import SystemPackage

/// Why a conversion can't be done.
public enum RewritingError: Error {
  /// The options contradict each other, or the input.
  case usage(String)
  /// The input holds something that the conversion can't carry over.
  case unsupported(file: FilePath, detail: String)
  /// The input has tensors that the layout has no place for, and they are not to be left out.
  case unknownTensors(file: FilePath, names: [String])
  /// The input has no such component.
  case noComponent(file: FilePath, component: String, found: [String])
}

extension RewritingError: CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .usage(let text): text
    case .unsupported(let file, let detail): "\(file): \(detail)"
    case .unknownTensors(let file, let names):
      "\(file): \(names.count) \(names.count == 1 ? "tensor has" : "tensors have") no place in the "
        + "layout: "
        + names.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        + (names.count > 10 ? " and \(names.count - 10) more" : "")
        + "; --unknown drop leaves them out, --unknown keep carries them along"
    case .noComponent(let file, let component, let found):
      "\(file): no component '\(component)', found "
        + found.joined(separator: ", ")
    }
  }
}

extension RewritingError: ClassifiedError {
  /// What went wrong in general.
  public var failureKind: FailureKind {
    switch self {
    case .usage: .usage
    case .unsupported, .unknownTensors: .wrongData
    case .noComponent: .inputMissing
    }
  }
}
