internal import Checkpoints
internal import Elements
internal import SystemPackage
internal import Tensors

/// A checkpoint as one side of a difference.
struct ComparedSide {
  let path: FilePath
  let architecture: Architecture
  private let parameters: StoredParameters

  init(_ checkpoint: OpenedCheckpoint) throws {
    path = checkpoint.source.path
    architecture = try checkpoint.description.requireArchitecture(file: path, for: .computing)
    parameters = try checkpoint.parameters()
  }

  /// What model it is, for errors.
  var summary: String {
    let blocks = architecture.family.blocks.map {
      "\(architecture.dimensions.blockCount($0.name)) \($0.name)"
    }
    return "\(architecture.family.title) with blocks: " + blocks.joined(separator: ", ")
  }

  /// A parameter of a module, wherever the layout puts it.
  func weight(_ parameter: String, of module: Architecture.Module) throws -> NamedWeight {
    let name = "\(module.path).\(parameter)"
    guard let weight = parameters[name] else {
      throw TensorError.missingTensor(file: path, tensor: name)
    }
    return try NamedWeight(weight)
  }
}

/// A parameter whose numbers can be had, and what errors call it.
struct NamedWeight: Sendable {
  /// The tensor that holds it, or the first that does.
  let name: String
  let weight: StoredWeight

  init(_ weight: StoredWeight) throws {
    name = weight.pieces.first?.tensor.name ?? ""
    guard weight.isWidenable else {
      throw AlgebraError.unsupportedDType(
        tensor: name, found: weight.encoding?.name ?? "of several types")
    }
    self.weight = weight
  }

  /// A whole tensor of a floating type.
  init(_ tensor: TensorView) throws { try self.init(StoredWeight(tensor)) }
}
