internal import Safetensors
public import SystemPackage
public import Tensors

/// The weights of one component with their configuration: a folder `transformer/`, `vae/`, …
public struct ComponentFolder: Sendable {
  /// The folder.
  public let path: FilePath
  /// Its config.json.
  public let configuration: Configuration
  /// Its weights: one safetensors file, or shards with an index.
  public let weights: TensorSource

  /// Opens a component folder: config.json and the weights beside it.
  public init(opening path: FilePath) throws {
    configuration = try Configuration(reading: path.appending("config.json"))
    do {
      weights = try TensorSource(openingAny: path)
    } catch SafetensorsError.noCheckpoint {
      throw CheckpointError.missingComponent(
        folder: path.removingLastComponent(), component: path.lastComponent?.string ?? "",
        detail: "its folder has no safetensors file")
    }
    try weights.checkNothingAttached()
    try weights.makeWhole()
    self.path = path
  }

  /// Every tensor, views of the mapped files.
  public var tensors: [TensorView] { weights.tensors }

  /// The tensor of a name.
  public func tensor(_ name: String) throws -> TensorView {
    guard let found = weights.find(name) else {
      throw CheckpointError.missingTensor(file: path, tensor: name)
    }
    return found
  }

  /// Refuses weights that are stored in another form than as plain numbers, which models here don't
  /// run on.
  public func requirePlainWeights() throws {
    try WeightStorage(weights, configuration: configuration).requirePlain(in: path)
  }

  /// What the tensors are, checked against config.json.
  public func describe() -> CheckpointDescription {
    CheckpointDescription(of: weights, configuration: configuration)
  }

  /// The architecture of a transformer; an error when the tensors are no known transformer's or
  /// don't fit it in every name and shape.
  public func architecture() throws -> Architecture {
    try describe().requireArchitecture(file: path)
  }
}

extension TensorSource {
  /// Refuses weights that were saved while an adapter was attached.
  package func checkNothingAttached() throws {
    if let attached = AttachedAdapter(names: tensors.lazy.map(\.name)) {
      throw CheckpointError.adapterAttached(file: path, attached)
    }
  }
}

extension CheckpointDescription {
  /// The architecture; an error when this is no known transformer, or has problems.
  public func requireArchitecture(file: FilePath) throws -> Architecture {
    let families = ModelFamily.all.map(\.title).joined(separator: " or ")
    let found: String
    switch subject {
    case .transformer(let architecture):
      guard problems.isEmpty else {
        throw CheckpointError.doesNotFit(
          file: file, family: architecture.family.title, problems: problems)
      }
      return architecture
    case .component(_, _, let title): found = title
    case .lookAlike(let title): found = title
    case .unknown: found = "tensors of no known model"
    }
    throw CheckpointError.notRecognised(
      file: file, expected: "a transformer of \(families)", found: found)
  }
}
