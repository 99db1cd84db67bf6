/// A device that a person names.
public enum TorchDeviceName: Sendable, Hashable, CustomStringConvertible {
  /// The host's engine, without PyTorch.
  case host
  /// One of PyTorch's, by its own name: `cpu`, `cuda`, `cuda:1`, `mps`, `xpu`.
  case torch(String)

  /// The kinds of device beside the processor that are known to run what is called.
  static let kinds = ["cuda", "mps", "xpu"]

  /// Reads `cpu`, `torch-cpu`, `cuda`, `cuda:1`, `mps` or `xpu`; nil where it is none of them.
  public init?(_ text: String) {
    switch text {
    case "cpu": self = .host
    case "torch-cpu": self = .torch("cpu")
    default:
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard let kind = parts.first.map(String.init), Self.kinds.contains(kind), parts.count <= 2
      else { return nil }
      if parts.count == 2 {
        guard let index = Int(parts[1]), 0...63 ~= index, "\(index)" == parts[1] else { return nil }
      }
      self = .torch(text)
    }
  }

  /// As a person writes it.
  public var description: String {
    switch self {
    case .host: "cpu"
    case .torch("cpu"): "torch-cpu"
    case .torch(let name): name
    }
  }

  /// Whether it is a processor, PyTorch's or the host's.
  public var isProcessor: Bool { self == .host || self == .torch("cpu") }
}
