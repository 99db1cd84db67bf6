public import Compute

/// How products of ours are computed that are timed, and what that is called.
public struct TimedProducts: Sendable {
  /// What is told of work in these settings: the precision, and before it kernels that somebody named.
  public let name: String
  /// The settings.
  public let settings: ProductSettings

  /// Products in a precision on the best kernels, or on others of such a name.
  public init(_ settings: ProductSettings, kernels: String? = nil) {
    name = [kernels, settings.precision.rawValue].compactMap(\.self).joined(separator: " ")
    self.settings = settings
  }
}

extension [TimedProducts] {
  /// The precisions among them, each once.
  var precisions: [ProductPrecision] {
    ProductPrecision.allCases.filter { precision in contains { $0.settings.precision == precision }
    }
  }
}
