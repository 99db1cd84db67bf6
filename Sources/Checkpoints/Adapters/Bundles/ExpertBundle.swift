internal import SystemPackage
public import Tensors

/// One adapter of a schedule's phases.
public struct Expert: Sendable {
  /// The phase that it serves; nil when nothing says.
  public var phase: String?
  /// The adapter, with the metadata of a file of its own.
  public var adapter: Adapter

  /// An expert of a phase.
  public init(phase: String?, adapter: Adapter) {
    self.phase = phase
    self.adapter = adapter
  }
}

/// The experts of all phases in one detachable safetensors file: formats/glance-metadata.md.
///
/// Keys hold no `lora` and have no loader's prefix, so that programs which don't know bundles say
/// so instead of applying one expert, or all at once, to every step.
public struct ExpertBundle: Sendable {
  /// The experts, in the order of sampling; each has a phase, and no two the same.
  public let experts: [Expert]

  static let versionKey = "glance.bundle"
  static let phasesKey = "glance.phases"
  static let version = "1"
  static let format = "glance-bundle"

  /// Whether a file's metadata say that it is a bundle.
  public static func isBundle(_ metadata: Metadata) -> Bool {
    metadata[versionKey] != nil
  }

  /// A bundle of these experts.
  public init(experts: [Expert]) throws {
    let phases = experts.map { $0.phase ?? "" }
    guard !experts.isEmpty, phases.allSatisfy(Self.isPhaseName),
      Set(phases).count == phases.count
    else {
      throw AdapterError.notABundle(
        file: "",
        detail: "every expert needs a phase of its own, found "
          + (experts.isEmpty
            ? "no expert"
            : experts.map { $0.phase.map { "'\($0)'" } ?? "none" }.joined(separator: ", ")))
    }
    self.experts = experts
  }

  /// The expert of a phase.
  public func expert(_ phase: String) -> Adapter? {
    experts.first { $0.phase == phase }?.adapter
  }

  /// Whether a text can name a phase: 1 to 32 ASCII letters, digits and hyphens.
  static func isPhaseName(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        $0.isDigit || $0 == UInt8(ascii: "-")
          || ($0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z"))
      }
  }
}
