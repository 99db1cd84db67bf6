/// Computes on this machine's processors. Sums are float32; products with stored weights and those in
/// attention are as exact as the settings say, everything else is float32 too.
package struct HostEngine: Engine, Equatable {
  /// How products with stored weights, and those in attention, are computed.
  let products: ProductSettings
  /// The instructions that compute them, where OpenBLAS doesn't.
  let level: ProductLevel

  /// An engine.
  ///
  /// - Parameters:
  ///   - products: how products with stored weights, and those in attention, are computed.
  ///   - level: what computes them, of what this processor has; less than the best is for tests.
  package init(products: ProductSettings = .shared, level: ProductLevel = .best) {
    self.products = products
    self.level = level
  }
}
