public import ArgumentParser
public import Compute

/// How products with the model's weights are computed.
public struct ArithmeticOptions: ParsableArguments {
  /// How exact products with weights and in attention are.
  @Option(
    help: ArgumentHelp(
      """
      How exact products with weights and in attention are: float32, or bfloat16, which rounds their \
      operands once and sums in float32, as GPUs do; autoencoders stay float32.
      """, valueName: "precision"))
  public var precision = ProductPrecision.float32

  /// Whether OpenBLAS computes them.
  @Flag(help: "Let OpenBLAS compute products with weights, in float32.")
  public var blas = false

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public func validate() throws {
    if blas, precision != .float32 {
      throw ValidationError("--blas computes in float32; leave --precision out.")
    }
  }

  /// Makes every computation from now on follow them.
  public func apply() {
    ProductSettings.shared = ProductSettings(precision: precision, usesBLAS: blas)
  }
}

extension ProductPrecision: ExpressibleByArgument {}
