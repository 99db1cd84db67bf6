internal import CommandSupport
internal import Compute

/// How much of a command's time went into matrix products; told with `--verbose`.
public struct ProductTiming {
  private let isOn: Bool
  private let start = ContinuousClock.now

  /// Begins to measure, if it is on.
  public init(isOn: Bool) {
    self.isOn = isOn
    if isOn { ProductMeter.start() }
  }

  /// Tells what was measured.
  public func tell() {
    guard isOn else { return }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let products = ProductMeter.reading
    Terminal.detail(
      "matrix products: \(Readable.fixed(products.seconds, places: 2)) s of "
        + "\(Readable.fixed(seconds, places: 2)) s "
        + "(\(Readable.fixed(100 * products.seconds / max(seconds, 1e-9), places: 0)) %), "
        + "\(Readable.fixed(products.operations / max(products.seconds, 1e-9) / 1e9, places: 1)) "
        + "GFLOP/s")
  }
}
