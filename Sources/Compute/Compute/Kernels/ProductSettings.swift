internal import CKernels
internal import Synchronization

/// How exact products with stored weights and in attention are.
public enum ProductPrecision: String, Sendable, CaseIterable {
  /// Operands and sums in float32.
  case float32
  /// Operands rounded once to bfloat16, sums in float32, as GPUs compute.
  case bfloat16
}

/// How this process multiplies activations by stored weights and, in attention, by each other.
public struct ProductSettings: Sendable, Equatable {
  /// How exact products are.
  public let precision: ProductPrecision
  /// Whether OpenBLAS computes those with stored weights, which are widened to float32.
  public let usesBLAS: Bool

  /// Settings; without more, float32 by the program's own kernels. OpenBLAS has no other precision.
  public init(precision: ProductPrecision = .float32, usesBLAS: Bool = false) {
    precondition(!usesBLAS || precision == .float32, "OpenBLAS computes in float32")
    self.precision = precision
    self.usesBLAS = usesBLAS
  }

  private static let current = Mutex(ProductSettings())

  /// What engines take that are told nothing else; commands set it once, at their start.
  public static var shared: ProductSettings {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }

  /// The kernels that compute so on this processor: `AVX-512 float32`, `OpenBLAS`.
  var kernels: String {
    if runsOnBLAS { return "OpenBLAS float32" }
    let level =
      switch ck_best_product_level() {
      case CK_PRODUCT_AVX512_BF16, CK_PRODUCT_AMX:
        precision == .bfloat16 ? "AVX-512 BF16" : "AVX-512"
      case CK_PRODUCT_AVX512: "AVX-512"
      case CK_PRODUCT_AVX2: "AVX2"
      default: "plain"
      }
    return "\(level) \(precision.rawValue)"
  }

  /// Whether OpenBLAS computes: as asked, or in float32 where no vector kernel of ours runs.
  var runsOnBLAS: Bool {
    usesBLAS || precision == .float32 && ck_best_product_level() == CK_PRODUCT_PLAIN
  }
}
