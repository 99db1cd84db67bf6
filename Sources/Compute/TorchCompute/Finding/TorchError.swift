public import Compute
public import Failures
public import SystemPackage

/// Why nothing can be computed on a device.
public enum TorchError: Error, Equatable {
  /// There is no PyTorch where it is looked for.
  case notFound(places: [String])
  /// A folder that was named holds no PyTorch.
  case noLibrary(folder: FilePath, name: String)
  /// A PyTorch whose C interface lacks what is called.
  case tooOld(folder: FilePath, version: String)
  /// The library can't be loaded.
  case cannotOpen(library: FilePath, reason: String)
  /// PyTorch has no such device here.
  case noDevice(name: String, torch: String, reason: String)
  /// What the device computes is wrong.
  case wrongResults(device: String, torch: String, what: String)
  /// A model does not fit into the device's memory, not even through a ring.
  case tooLarge(Residency)
}

extension TorchError: ClassifiedError, CustomStringConvertible {
  /// One line: what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .notFound(let places):
      "no PyTorch found in \(places.joined(separator: ", ")): name its folder with --torch, or have "
        + "tools/setup-gpu install one"
    case .noLibrary(let folder, let name):
      "\(folder): expected a folder of PyTorch \(TorchVersion.oldest) or newer, a virtual environment that has "
        + "it or its torch/lib, found no \(name)"
    case .tooOld(let folder, let version):
      "\(folder): expected PyTorch \(TorchVersion.oldest) or newer, found \(version): "
        + "pip install 'torch>=\(TorchVersion.oldest)'"
    case .cannotOpen(let library, let reason):
      "\(library): can't be loaded: \(reason)"
    case .noDevice(let name, let torch, let reason):
      "--device \(name): PyTorch \(torch) has no such device here: \(reason)"
    case .wrongResults(let device, let torch, let what):
      "--device \(device): PyTorch \(torch) computes \(what) wrong, so that nothing is computed there"
    case .tooLarge(let plan):
      "--device \(plan.device): \(readable(plan.residentByteCount)) of weights"
        + (plan.slotCount > 0
          ? ", a ring of \(plan.slotCount) slots of \(readable(plan.slotByteCount)) for other blocks"
          : "")
        + " and \(readable(plan.byteCount - plan.residentByteCount - plan.ringByteCount)) beside them do not "
        + "fit into \(readable(plan.memory?.free ?? 0)) that are free of "
        + "\(readable(plan.memory?.total ?? 0)): take a smaller picture (--size, --resolution), more "
        + "--device-memory where that is given, or another --device"
    }
  }

  /// Something that is missing, or an input that isn't there.
  public var failureKind: FailureKind {
    switch self {
    case .noLibrary: .inputMissing
    default: .unavailable
    }
  }
}

/// Bytes in GB with one digit, fewer in MB or kB.
private func readable(_ count: Int) -> String {
  if count < 1_000_000 { return "\((count + 500) / 1000) kB" }
  if count < 1_000_000_000 { return "\((count + 500_000) / 1_000_000) MB" }
  let tenths = (count + 50_000_000) / 100_000_000
  return "\(tenths / 10).\(tenths % 10) GB"
}
