/// Computes on this machine's processors. Sums are float32; products with stored weights and those in
/// attention are as exact as the settings say, everything else is float32 too.
package struct HostEngine: Engine, Equatable {
  /// How products with stored weights, and those in attention, are computed.
  package let products: ProductSettings

  /// An engine.
  ///
  /// - Parameter products: how products with stored weights, and those in attention, are computed.
  package init(products: ProductSettings = .shared) { self.products = products }
}
