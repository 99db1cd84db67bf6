/// A figure and how sure it is.
public struct Estimate: Sendable, Equatable {
  /// The figure.
  public let value: Double
  /// The interval that 95 of 100 such evaluations would be expected to lie in; nil where prompts can't
  /// be drawn anew.
  public let interval: ClosedRange<Double>?

  /// A figure with its interval.
  public init(value: Double, interval: ClosedRange<Double>?) {
    self.value = value
    self.interval = interval
  }

  /// A figure whose interval is where 95 % of replicates are, half of the others on either side.
  ///
  /// **Source:** Efron, "Bootstrap methods: another look at the jackknife" (1979), percentile
  /// intervals; between two replicates as `numpy.percentile` does.
  package init(value: Double, replicates: [Double]) {
    self.value = value
    let sorted = replicates.filter(\.isFinite).sorted()
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let low = Int(place)
      let high = min(low + 1, sorted.count - 1)
      return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
    }
    interval = sorted.count > 1 ? quantile(0.025)...quantile(0.975) : nil
  }
}
