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
  /// The instructions that the program's own kernels use.
  package let level: ProductLevel

  /// Settings; without more, float32 by the program's own kernels. OpenBLAS has no other precision.
  public init(precision: ProductPrecision = .float32, usesBLAS: Bool = false) {
    self.init(precision: precision, usesBLAS: usesBLAS, level: .best)
  }

  /// The same with instructions that are not the best which the processor has.
  package init(
    precision: ProductPrecision = .float32, usesBLAS: Bool = false, level: ProductLevel
  ) {
    precondition(!usesBLAS || precision == .float32, "OpenBLAS computes in float32")
    self.precision = precision
    self.usesBLAS = usesBLAS
    self.level = level
  }

  private static let current = Mutex(ProductSettings())
  @TaskLocal private static var ofTask: ProductSettings?

  /// What engines take that are told nothing else; commands set it once, at their start.
  public static var shared: ProductSettings {
    get { ofTask ?? current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }

  /// Runs the body with engines that take these settings where they are told nothing else; what else the
  /// process does keeps its own. It is there to compare settings.
  package static func with<Result>(
    _ settings: ProductSettings, _ body: () throws -> Result
  ) rethrows -> Result {
    try $ofTask.withValue(settings, operation: body)
  }

  /// The kernels that compute so on this processor: `AVX-512 float32`, `OpenBLAS`.
  package var kernels: String {
    if runsOnBLAS { return "OpenBLAS float32" }
    return "\(name(of: level)) \(precision.rawValue)"
  }

  private func name(of level: ProductLevel) -> String {
    switch level {
    case .plain: "plain"
    case .avx2: "AVX2"
    case .avx512: "AVX-512"
    case .avx512BF16: precision == .bfloat16 && self.level.takesPairs ? "AVX-512 BF16" : "AVX-512"
    case .amx: "\(tiles) or \(name(of: .avx512BF16))"
    case .emulatedAMX: "emulated \(tiles) or \(name(of: .plain))"
    }
  }

  /// AMX, beside the kernels of attention and, in float32, of weights that are no bfloat16 numbers.
  private var tiles: String { precision == .bfloat16 ? "AMX" : "AMX (three bfloat16 terms)" }

  /// Whether OpenBLAS computes: as asked, or in float32 where no vector kernel of ours runs.
  var runsOnBLAS: Bool {
    usesBLAS || precision == .float32 && level == .plain && OpenBLAS.isThere
  }
}
