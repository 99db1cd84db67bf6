package import Compute
public import Testing
package import TorchCompute

#if canImport(Glibc)
  internal import Glibc
#endif

/// The PyTorch that tests compute with, where there is one, on the processor or the device that
/// GLANCE_TEST_DEVICE names.
public enum FoundTorch {
  /// Found as commands find it.
  private static let installation = try? TorchInstallation.find(nil, environment: variable)

  /// Its device.
  package static let device =
    variable("GLANCE_TEST_DEVICE").flatMap { TorchDeviceName($0) } ?? .torch("cpu")

  /// The device as a person writes it.
  public static var deviceText: String { "\(device)" }

  /// Runs tests only where there is one; else they are listed as skipped, with this reason.
  public static let isThere = ConditionTrait.enabled(
    if: installation != nil,
    "no PyTorch in GLANCE_TORCH, the active environment or that of tools/setup-gpu")

  private static let library = Result { () throws(TorchError) -> TorchLibrary in
    guard let installation else { throw .notFound(places: []) }
    return try TorchLibrary(installation, for: device, threads: 2)
  }

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// The loaded one.
  package static func loaded() throws -> TorchLibrary { try library.get() }

  /// A new engine, with copies of weights of its own.
  package static func engine(
    _ precision: ProductPrecision = .float32, tilesAttention: Bool = false,
    memory: Residency.Memory? = nil,
    watch: (@Sendable (any BlockCopying) -> any BlockCopying)? = nil
  ) throws -> TorchEngine {
    TorchEngine(
      try loaded().session(
        on: device, precision: precision, tilesAttention: tilesAttention, memory: memory,
        watch: watch))
  }

  /// Runs the body with passes of transformers on an engine.
  package static func with<Result>(
    _ engine: TorchEngine, _ body: () throws -> Result
  ) rethrows -> Result {
    try TransformerEngine.with(engine, name: engine.session.record, body)
  }
}
