public import ArgumentParser
internal import CommandSupport
public import Compute
internal import TorchCompute

/// What computes the model's passes, and how exact products with its weights are.
public struct ArithmeticOptions: ParsableArguments {
  /// How exact products with weights and in attention are; nil: as the device has it.
  @Option(
    help: ArgumentHelp(
      """
      How exact products with weights and in attention are: float32, or bfloat16, which rounds their \
      operands once and sums in float32, as GPUs do; autoencoders stay float32 (default: float32, with \
      --device cuda, mps and xpu bfloat16).
      """, valueName: "precision"))
  public var precision: ProductPrecision?

  /// Whether OpenBLAS computes them.
  @Flag(help: "Let OpenBLAS compute products with weights, in float32.")
  public var blas = false

  /// Where the model's passes are computed.
  @OptionGroup public var place: DeviceOptions

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public func validate() throws {
    if blas, precision == .bfloat16 {
      throw ValidationError("--blas computes in float32; leave --precision out.")
    }
    if blas, place.device != .host {
      throw ValidationError("--blas is the processor's own; leave --device out.")
    }
  }

  /// Makes every computation from now on follow them.
  ///
  /// - Parameter threads: of PyTorch's own loops on processors.
  /// - Throws: when a device is asked for that isn't there, or computes wrong; `OpenBLAS.Missing`.
  public func apply(threads: Int) throws {
    if blas { try OpenBLAS.require() }
    let precision = precision ?? (place.device.isProcessor ? .float32 : .bfloat16)
    ProductSettings.shared = ProductSettings(precision: precision, usesBLAS: blas)
    guard let device = try place.opening(threads: threads)?.open(precision) else { return }
    device.note.map { Terminal.warn($0) }
    device.use()
    Terminal.detail("transformer, autoencoder and text encoders are computed on \(device.record)")
  }
}

extension ProductPrecision: ExpressibleByArgument {}
