internal import ArgumentParser
internal import Compute

/// Kernels that may be timed instead of the best ones, as an option names them. Those of any processor aren't
/// among them: OpenBLAS stands in for them in float32.
enum TimedKernels: String, CaseIterable {
  case amx
  case avx512BF16 = "avx512-bf16"
  case avx512
  case avx2
  case openBLAS = "openblas"

  /// Those of this name.
  ///
  /// - Throws: where there are none, or this machine lacks what they need.
  init(parsing name: Substring) throws {
    let here = Self.allCases.filter(\.isHere)
    guard let kernels = here.first(where: { $0.rawValue == name }) else {
      let names = here.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("expected, on this machine, some of \(names), found '\(name)'")
    }
    self = kernels
  }

  /// Products in a precision; nil where these kernels have no such.
  func products(_ precision: ProductPrecision) -> ProductSettings? {
    guard let level else {
      return precision == .float32 ? ProductSettings(usesBLAS: true) : nil
    }
    return ProductSettings(precision: precision, level: level)
  }

  private var isHere: Bool {
    level.map(ProductLevel.available.contains) ?? OpenBLAS.isThere
  }

  private var level: ProductLevel? {
    switch self {
    case .amx: .amx
    case .avx512BF16: .avx512BF16
    case .avx512: .avx512
    case .avx2: .avx2
    case .openBLAS: nil
    }
  }
}
