/// What a difference says of its base: the name of a file, and, where it undoes a merge, the digest of
/// the merged file, since only that one brings the base back.
public struct BaseReference: Sendable, Equatable {
  /// Stands between the name and the digest.
  private static let mark = "#xxh3="

  /// The base's file, as it was called.
  public let file: String
  /// The digest of the merged file that this undoes; nil for a plain difference.
  public let digest: String?

  /// A reference to a merged file.
  public init(merged file: String, digest: String) {
    self.file = file
    self.digest = digest
  }

  /// Reads what a difference says.
  public init(_ text: String) {
    let mark = text.firstRange(of: Self.mark)
    file = String(text[..<(mark?.lowerBound ?? text.endIndex)])
    digest = mark.map { String(text[$0.upperBound...]) }
  }

  /// As a difference says it.
  public var text: String { file + (digest.map { Self.mark + $0 } ?? "") }

  /// The merged file that this undoes; nil for a plain difference.
  public var merged: String? { digest == nil ? nil : file }
}
