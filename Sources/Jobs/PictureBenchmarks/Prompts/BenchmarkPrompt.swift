/// A prompt of a benchmark.
public struct BenchmarkPrompt: Sendable, Equatable {
  /// What is drawn.
  public let text: String
  /// Its place in the whole prompt file, from 0.
  public let position: Int
  /// The folder that its group of prompts has; nil where prompts have no groups.
  public let group: String?
  /// Its place among the prompts of its group, from 0.
  public let index: Int
  /// The benchmark's own name for it; its place where it has none.
  public let id: String
  /// The text of its own in the prompt file.
  let record: String
}

extension [BenchmarkPrompt] {
  /// The first ones of every group; nil: all.
  func first(ofEachGroup limit: Int?) -> [BenchmarkPrompt] {
    guard let limit else { return self }
    return filter { $0.index < limit }
  }
}

/// A prompt as its file has it, before it has a place.
struct FoundPrompt {
  let text: String
  let group: String?
  let id: String?
  let record: String
  /// Its line; nil where the form has none.
  let line: Int?
}
