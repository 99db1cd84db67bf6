public import Checkpoints
public import Failures

extension ModelFamily {
  /// A name that is no family's.
  public struct Unknown: ClassifiedError, CustomStringConvertible {
    let name: String
    /// An option makes no sense.
    public var failureKind: FailureKind { .usage }
    /// What was expected.
    public var description: String {
      "--family: expected \(ModelFamily.all.map(\.name).joined(separator: " or ")), found '\(name)'"
    }
  }

  /// The family that a caller names; nil when none is named.
  public static func given(_ name: String?) throws(Unknown) -> ModelFamily? {
    guard let name else { return nil }
    guard let family = named(name) else { throw Unknown(name: name) }
    return family
  }
}
