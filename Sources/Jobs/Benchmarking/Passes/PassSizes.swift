/// What a pass through a transformer takes in.
public struct PassSizes: Sendable {
  /// Tokens of the picture, each number by itself.
  public let imageTokenCounts: [Int]
  /// Tokens of the caption.
  public let textTokens: Int

  /// These sizes.
  public init(imageTokenCounts: [Int], textTokens: Int) {
    self.imageTokenCounts = imageTokenCounts
    self.textTokens = textTokens
  }

  /// One of them for people.
  func name(_ imageTokens: Int) -> String { "\(textTokens) + \(imageTokens) tokens" }
}
