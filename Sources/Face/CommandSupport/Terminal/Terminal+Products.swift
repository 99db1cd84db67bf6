internal import Reports

extension Terminal {
  /// Tells those who ask for details how much of a command's time went into matrix products.
  ///
  /// - Parameters:
  ///   - seconds: that all products took.
  ///   - operations: that they did, additions and multiplications.
  ///   - duration: of the command's work.
  public static func tellProducts(seconds: Double, operations: Double, of duration: Duration) {
    let whole = duration / .seconds(1)
    detail(
      "matrix products: \(Readable.fixed(seconds, places: 2)) s of "
        + "\(Readable.fixed(whole, places: 2)) s "
        + "(\(Readable.fixed(100 * seconds / max(whole, 1e-9), places: 0)) %), "
        + "\(Readable.fixed(operations / max(seconds, 1e-9) / 1e9, places: 1)) GFLOP/s")
  }
}
