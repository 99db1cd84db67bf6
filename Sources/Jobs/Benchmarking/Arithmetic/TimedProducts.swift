internal import Compute

extension ProductSettings {
  /// What is told of work in these settings: the precision, `float32`, or where the kernels are not the best
  /// ones theirs as well, `AVX2 float32`.
  var name: String { self == ProductSettings(precision: precision) ? precision.rawValue : kernels }
}

extension [ProductSettings] {
  /// The precisions among them, each once.
  var precisions: [ProductPrecision] {
    ProductPrecision.allCases.filter { precision in contains { $0.precision == precision } }
  }
}
