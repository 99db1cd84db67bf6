public import ArgumentParser
public import SystemPackage
public import TorchCompute

/// Where passes of the transformer are computed.
public struct DeviceOptions: ParsableArguments {
  /// What computes passes of the transformer.
  @Option(
    help: ArgumentHelp(
      """
      What computes the transformer's passes: cpu, or with PyTorch torch-cpu, cuda, cuda:1, mps or xpu. \
      The weights must fit into the device's memory; text encoders and autoencoders stay on the \
      processor. The same device, PyTorch and, with torch-cpu, --threads give the same bits.
      """, valueName: "device"))
  public var device = TorchDeviceName.host

  /// Where PyTorch is.
  @Option(
    help: ArgumentHelp(
      """
      PyTorch's folder or a virtual environment that has it, for --device (default: GLANCE_TORCH, the \
      active environment, that of tools/setup-gpu).
      """, valueName: "folder"), completion: .directory)
  public var torch: FilePath?

  /// Whether devices are listed.
  @Flag(help: "List the devices that are there, or why they are not; then stop.")
  public var devices = false

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public func validate() throws {
    if torch != nil, device == .host {
      throw ValidationError("--torch needs a --device of PyTorch's, such as --device cuda.")
    }
  }

  /// The device, found and not opened.
  ///
  /// - Parameter threads: of PyTorch's own loops on processors.
  /// - Returns: it; nil where it is the host.
  /// - Throws: when there is no PyTorch.
  public func opening(threads: Int) throws -> TorchOpening? {
    guard device != .host else { return nil }
    return TorchOpening(
      device, of: try TorchInstallation.find(torch, environment: variable), threads: threads)
  }
}

extension TorchDeviceName: ExpressibleByArgument {
  /// Reads a device's name.
  public init?(argument: String) { self.init(argument) }

  /// The name, as help shows it.
  public var defaultValueDescription: String { "\(self)" }
}
