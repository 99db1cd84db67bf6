public import DiffusionTransformers

/// Turns captions into what a transformer is told of them.
public protocol CaptionEncoder: Sendable {
  /// Encodes one caption, which may be empty.
  func encode(_ caption: String) throws -> EncodedCaption

  /// Rows that the states of a caption will have.
  func tokenCount(of caption: String) throws -> Int
}

/// An encoded caption.
public struct EncodedCaption: Sendable {
  /// The states.
  public let conditioning: Conditioning
  /// Notes for the person: what of the caption was cut.
  public let warnings: [String]
}
