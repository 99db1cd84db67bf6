internal import JSON
public import SystemPackage
internal import Tensors
internal import Text

extension ExpertBundle {
  /// Opens a bundle.
  public init(opening path: FilePath) throws {
    try self.init(try TensorSource(adapter: path))
  }

  /// The bundle in an open file.
  init(_ file: TensorSource) throws {
    let path = file.path
    guard let version = file.metadata[Self.versionKey] else {
      throw AdapterError.notABundle(file: path, detail: "no metadata '\(Self.versionKey)'")
    }
    guard version == Self.version else {
      throw AdapterError.badMetadata(
        file: path, key: Self.versionKey, expected: Self.version, found: String(version.prefix(60)))
    }
    let phases = try Self.phases(of: file)
    var factors = phases.map { _ in [(path: String, isUp: Bool, tensor: TensorView)]() }
    for tensor in file.tensors {
      guard let (phase, module, isUp) = Self.parts(of: tensor.name, phases: phases) else {
        throw AdapterError.notABundle(
          file: path, detail: "tensor '\(tensor.name)' belongs to no phase")
      }
      factors[phase].append((module, isUp, tensor))
    }
    var experts: [Expert] = []
    for (phase, factors) in zip(phases, factors) {
      let metadata = try Self.metadata(of: phase, in: file)
      let adapter = try Self.adapter(factors, metadata: metadata, file: path)
      experts.append(Expert(phase: phase, adapter: adapter))
    }
    self.experts = experts
  }

  private static func phases(of file: TensorSource) throws -> [String] {
    let text = file.metadata[phasesKey] ?? ""
    let phases = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard phases.allSatisfy(isPhaseName), Set(phases).count == phases.count else {
      throw AdapterError.badMetadata(
        file: file.path, key: phasesKey, expected: "names of phases joined by commas",
        found: String(text.prefix(60)))
    }
    return phases
  }

  /// Takes `glance.<phase>.<module>.down` apart.
  private static func parts(
    of name: String, phases: [String]
  ) -> (phase: Int, module: String, isUp: Bool)? {
    for (index, phase) in phases.enumerated() {
      let prefix = "glance.\(phase)."
      for (ending, isUp) in [(".down", false), (".up", true)]
      where name.utf8HasPrefix(prefix) && name.utf8HasSuffix(ending) {
        let module = name.utf8.dropFirst(prefix.utf8.count).dropLast(ending.utf8.count)
        return module.isEmpty ? nil : (index, String(module), isUp)
      }
    }
    return nil
  }

  private static func metadata(
    of phase: String, in file: TensorSource
  ) throws -> Metadata {
    let key = "glance.\(phase).metadata"
    let text = file.metadata[key] ?? "{}"
    let members = (try? JSONValue(parsing: text))?.object?.members
    let pairs = members?.map { ($0.key, $0.value.string) }
    guard let pairs, pairs.allSatisfy({ $0.1 != nil }) else {
      throw AdapterError.badMetadata(
        file: file.path, key: key, expected: "a JSON object of texts",
        found: String(text.prefix(60)))
    }
    return Metadata(pairs)
  }

  /// Checks the factors of a phase the way that those of an adapter file are checked.
  private static func adapter(
    _ factors: [(path: String, isUp: Bool, tensor: TensorView)],
    metadata: Metadata, file: FilePath
  ) throws -> Adapter {
    let tensors = factors.map { factor in
      factor.tensor.named(
        "transformer." + factor.path + (factor.isUp ? ".lora_B.weight" : ".lora_A.weight"))
    }
    // A bundle's factors are baked, whatever the experts' own files said.
    let reading = AdapterFile(
      path: file, tensors: tensors, metadata: metadata.withoutScales, configuration: .none)
    var adapter = try reading.adapter()
    adapter.metadata = metadata
    for index in adapter.modules.indices { adapter.modules[index].scaleSource = .given }
    return adapter
  }
}
