/// One run of something that is timed.
public struct Sample: Sendable, Equatable {
  /// Seconds that passed.
  public let wall: Double
  /// Seconds that processors computed, all of them together.
  public let cpu: Double
  /// Whether nobody else used the processors' units, as far as a loop before and one after it can tell.
  public let isQuiet: Bool

  /// A run that took so long.
  public init(wall: Double, cpu: Double, isQuiet: Bool) {
    self.wall = wall
    self.cpu = cpu
    self.isQuiet = isQuiet
  }
}

extension [Double] {
  /// The middle one in order, or the mean of the two in the middle; NaN of none.
  package var median: Double {
    guard !isEmpty else { return .nan }
    let sorted = sorted()
    let middle = count / 2
    return count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
