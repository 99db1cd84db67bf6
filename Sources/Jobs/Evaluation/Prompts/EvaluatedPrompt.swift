/// A prompt whose pictures are measured.
public struct EvaluatedPrompt: Sendable, Equatable {
  /// What is drawn.
  public let text: String
  /// What a picture of it must show, for the checker of its world: a class for each of its heads, -1
  /// where there is nothing to show; nil: nobody says.
  public let labels: [Int]?

  /// A prompt.
  public init(_ text: String, labels: [Int]? = nil) {
    self.text = text
    self.labels = labels
  }
}
