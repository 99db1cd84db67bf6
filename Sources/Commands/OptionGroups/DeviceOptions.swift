public import ArgumentParser
public import CommandSupport
public import SystemPackage
public import TorchCompute

/// Where models are computed.
public struct DeviceOptions: ParsableArguments {
  /// What computes them.
  @Option(
    help: ArgumentHelp(
      """
      What computes transformer, autoencoder and text encoders: cpu, or with PyTorch torch-cpu, cuda, \
      cuda:1, mps or xpu. Blocks that don't fit into the device's memory go through it one after the \
      other, as --dry-run tells. The same device, PyTorch and, with torch-cpu, --threads give the same \
      bits.
      """, valueName: "device"), transform: TorchDeviceName.init(parsing:))
  public var device = TorchDeviceName.host

  /// Where PyTorch is.
  @Option(
    help: ArgumentHelp(
      """
      PyTorch's folder or a virtual environment that has it, for --device (default: GLANCE_TORCH, the \
      active environment, that of tools/setup-gpu).
      """, valueName: "folder"), completion: .directory)
  public var torch: FilePath?

  /// How much of its memory may be used.
  @Option(
    help: ArgumentHelp(
      "Use no more of the device's memory than this, such as 12GB (default: what is free).",
      valueName: "size"), transform: ByteSize.init(parsing:))
  public var deviceMemory: ByteSize?

  /// Whether devices are listed.
  @Flag(help: "List the devices that are there, or why they are not; then stop.")
  public var devices = false

  /// The options with their defaults.
  public init() {}

  /// Refuses what contradicts itself.
  public func validate() throws {
    for (name, isGiven) in [("--torch", torch != nil), ("--device-memory", deviceMemory != nil)]
    where isGiven && device == .host {
      throw ValidationError("\(name) needs a --device of PyTorch's, such as --device cuda.")
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
      device, of: try TorchInstallation.find(torch, environment: variable), threads: threads,
      memoryLimit: deviceMemory?.count)
  }
}

extension TorchDeviceName {
  /// Reads a device's name.
  ///
  /// - Throws: the names that there are.
  init(parsing text: String) throws {
    guard let name = TorchDeviceName(text) else {
      throw ValidationError("expected cpu, torch-cpu, cuda, cuda:1, mps or xpu")
    }
    self = name
  }
}
