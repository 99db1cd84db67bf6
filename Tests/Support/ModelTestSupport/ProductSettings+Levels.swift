package import Compute

extension ProductSettings {
  /// Float32 whose bits don't depend on how numbers are stored: without AMX, which takes bfloat16 weights
  /// alone.
  package static var withoutTiles: ProductSettings {
    let best = ProductLevel.best
    return ProductSettings(level: best == .amx ? .avx512BF16 : best)
  }

  /// Float32 as AMX computes it, on any processor.
  package static var emulatedTiles: ProductSettings { ProductSettings(level: .emulatedAMX) }
}
