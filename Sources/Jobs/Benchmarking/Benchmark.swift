/// Something that can be timed against a rival or a limit.
public protocol Benchmark {
  /// Times it.
  ///
  /// - Parameters:
  ///   - stopwatch: what times.
  ///   - tell: told what is timed next; what it throws ends the work.
  /// - Returns: what came out.
  /// - Throws: what is missing, or went wrong.
  func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison]
}
