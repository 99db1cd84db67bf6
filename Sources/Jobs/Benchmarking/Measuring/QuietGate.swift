/// Tells moments at which the processors are this program's alone from those at which somebody else uses
/// their units.
///
/// A guest on a shared machine doesn't see its neighbours: no counter shows them, and yet everything takes
/// twice or three times as long while they compute. A loop that is always the same shows them by its speed.
public struct QuietGate: Sendable {
  /// The highest speed of the loop so far.
  public private(set) var best = 0.0
  /// The share of that speed that may be missing.
  public let margin: Double

  /// A gate that has seen nothing yet.
  public init(margin: Double = 0.1) { self.margin = margin }

  /// Whether the loop ran as fast as it does when nobody else is there.
  ///
  /// - Parameter rate: how often it ran in a second; the first is the best so far.
  /// - Returns: whether to trust the time of what ran beside it.
  public mutating func admits(_ rate: Double) -> Bool {
    best = max(best, rate)
    return rate >= (1 - margin) * best
  }
}
