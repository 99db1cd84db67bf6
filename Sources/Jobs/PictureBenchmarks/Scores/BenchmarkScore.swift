/// A number that a benchmark gives.
public struct BenchmarkScore: Sendable, Equatable {
  /// What it is of: the benchmark's name for people, with its language where it has several.
  public let benchmark: String
  /// What it measures.
  public let metric: String
  /// The number, in the benchmark's own unit.
  public let value: Double
  /// Whether it is the one that the benchmark is quoted by.
  public let isOverall: Bool
  /// Whether less is better, as of distances.
  public let isDistance: Bool

  init(
    _ benchmark: String, _ metric: String, _ value: Double, isOverall: Bool = false,
    isDistance: Bool = false
  ) {
    self.benchmark = benchmark
    self.metric = metric
    self.value = value
    self.isOverall = isOverall
    self.isDistance = isDistance
  }
}
