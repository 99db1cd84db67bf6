package import Compute

extension ProductSettings {
  /// Float32 whose bits don't depend on how numbers are stored: without AMX, which takes bfloat16 weights
  /// alone.
  package static var withoutTiles: ProductSettings {
    let best = ProductLevel.best
    return ProductSettings(level: best == .amx ? .avx512BF16 : best)
  }

  /// Every way to multiply that this processor has, AMX's on any, and OpenBLAS's: in float32, or in a precision
  /// that OpenBLAS hasn't.
  package static func all(_ precision: ProductPrecision) -> [ProductSettings] {
    (ProductLevel.available + [.emulatedAMX]).map { .init(precision: precision, level: $0) }
      + (precision == .float32 && OpenBLAS.isThere ? [ProductSettings(usesBLAS: true)] : [])
  }

  /// Float32 as AMX computes it, on any processor.
  package static var emulatedTiles: ProductSettings { ProductSettings(level: .emulatedAMX) }
}
