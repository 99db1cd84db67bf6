internal import Elements
public import Tensors
internal import Text

/// The parameters of a checkpoint under canonical names, wherever its layout puts them: of a known
/// transformer those of diffusers (`transformer_blocks.0.attn.to_q.weight`), of anything else the names
/// of the file without their prefix.
public struct StoredParameters: Sendable {
  /// The names, canonical ones first and in the model's order, then what belongs to no module.
  public let names: [String]
  /// What each name stands for.
  public let weights: [StoredWeight]
  private let index: TensorIndex

  /// The parameters of a checkpoint; layers whose numbers are not read are given as their codes.
  init(_ checkpoint: OpenedCheckpoint) throws {
    let description = checkpoint.description
    let stored = try StoredTensors(checkpoint.source, description.weights).tensors
    var names: [String] = []
    var weights: [StoredWeight] = []
    var isUsed = Array(repeating: false, count: stored.count)
    if let architecture = description.architecture, let layout = description.layout {
      let places = TensorIndex(stored.lazy.map(\.view.name))
      for tensor in architecture.layoutTensors(in: layout) {
        let found = tensor.names.lazy.compactMap { places[description.prefix + $0] }.first
        guard let position = found else { continue }
        for (part, placement) in zip(tensor.parts, tensor.placements) {
          guard let weight = StoredWeight(stored[position], at: placement) else { continue }
          isUsed[position] = true
          names.append("\(part.module).\(tensor.parameter)")
          weights.append(weight)
        }
      }
    }
    for (tensor, _) in zip(stored, isUsed).filter({ !$0.1 && !$0.0.isPreference }) {
      names.append(tensor.view.name.droppingPrefix(description.prefix) ?? tensor.view.name)
      weights.append(tensor.weight)
    }
    self.names = names
    self.weights = weights
    index = TensorIndex(names)
  }

  /// Parameters that are at hand, each under its name.
  public init(_ tensors: [TensorView]) {
    names = tensors.map(\.name)
    weights = tensors.map { StoredWeight($0) }
    index = TensorIndex(names)
  }

  /// The parameter of a name, or nil.
  public subscript(name: String) -> StoredWeight? { index[name].map { weights[$0] } }
}

extension StoredWeight {
  /// The rows of a tensor that belong to a module; nil when it hasn't so many.
  fileprivate init?(_ stored: StoredTensors.StoredTensor, at placement: WeightPlacement) {
    let shape = stored.view.shape
    guard let rows = shape.first, placement.firstRow + placement.rowCount <= rows else {
      return nil
    }
    let width = shape.dropFirst().elementCount
    self.init(
      shape: [placement.rowCount] + shape.dropFirst(),
      pieces: placement.runs.map { module, tensorRow in
        let first = tensorRow * width
        return TensorPiece(
          tensor: stored.view, elements: first..<first + module.count * width, scale: stored.scale)
      })
  }
}
