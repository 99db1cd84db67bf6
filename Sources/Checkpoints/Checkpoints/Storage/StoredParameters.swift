internal import Elements
public import Tensors
internal import Text

/// The parameters of a checkpoint, each under a name, and what stands beside them.
public struct StoredParameters: Sendable {
  /// What parameters are called.
  public enum Naming: Sendable {
    /// Of a known transformer or other component as diffusers has them
    /// (`transformer_blocks.0.attn.to_q.weight`), wherever its layout puts them; of anything else as ``own``.
    case canonical
    /// As the file has them, without its prefix.
    case own
  }

  /// The names: canonical ones first and in the layout's order, then what belongs to no module.
  public let names: [String]
  /// What each name stands for.
  public private(set) var weights: [StoredWeight]
  /// Tensors that are no parameters: scales, notes and markers, which say what codes stand for, and
  /// preferences of programs.
  public let companions: [TensorView]
  private let index: TensorIndex

  /// The parameters of a checkpoint; layers whose numbers are not read are given as their codes.
  package init(_ checkpoint: OpenedCheckpoint, _ naming: Naming = .canonical) throws {
    let description = checkpoint.description
    let stored = try StoredTensors(checkpoint.source, description.weights).tensors
    var names: [String] = []
    var weights: [StoredWeight] = []
    var isUsed = stored.map(\.isPreference)
    if naming == .canonical, let model = description.model, let layout = description.layout {
      let places = TensorIndex(stored.lazy.map(\.view.name))
      for tensor in model.entries(in: layout) {
        let found = tensor.names.lazy.compactMap { places[description.prefix + $0] }.first
        guard let position = found else { continue }
        for (part, placement) in zip(tensor.parts, tensor.placements) {
          guard let weight = stored[position].rows(at: placement)?.canonical(tensor) else {
            continue
          }
          isUsed[position] = true
          names.append("\(part.module).\(tensor.parameter)")
          weights.append(weight)
        }
      }
    }
    for (tensor, _) in zip(stored, isUsed).filter({ !$0.1 }) {
      names.append(tensor.view.name.droppingPrefix(description.prefix) ?? tensor.view.name)
      weights.append(tensor.weight)
    }
    self.names = names
    self.weights = weights
    index = TensorIndex(names)
    let parameters = TensorIndex(stored.lazy.filter { !$0.isPreference }.map(\.storedName))
    companions = checkpoint.source.tensors.filter { parameters[$0.name] == nil }
  }

  /// Parameters that are at hand, each under its name.
  public init(_ tensors: [TensorView]) {
    names = tensors.map(\.name)
    weights = tensors.map { StoredWeight($0) }
    companions = []
    index = TensorIndex(names)
  }

  /// The same parameters with others in the place of some.
  ///
  /// - Parameter tensors: what takes the place of the parameters of their names, which have the same shapes.
  /// - Returns: the parameters in the same order.
  package func replacing(_ tensors: [TensorView]) -> StoredParameters {
    var replaced = self
    for tensor in tensors {
      guard let position = index[tensor.name], weights[position].shape == tensor.shape else {
        preconditionFailure("'\(tensor.name)' takes the place of no parameter")
      }
      replaced.weights[position] = StoredWeight(tensor)
    }
    return replaced
  }

  /// The parameter of a name, or nil.
  public subscript(name: String) -> StoredWeight? { index[name].map { weights[$0] } }
}

extension StoredWeight {
  /// The same elements in the shape that the canonical layout has; nil when the rank is another than the
  /// layout's.
  fileprivate func canonical(_ entry: LayoutEntry) -> StoredWeight? {
    guard entry.onesAtEnd > 0 else { return self }
    guard shape.count == entry.shape.count else { return nil }
    return StoredWeight(shape: shape.dropLast(entry.onesAtEnd), pieces: pieces)
  }
}

extension StoredTensors.Entry {
  /// The rows that belong to a module, in the module's order; nil when there aren't so many.
  package func rows(at placement: WeightPlacement) -> StoredWeight? {
    let weight = weight
    guard let rows = weight.shape.first, placement.firstRow + placement.rowCount <= rows else {
      return nil
    }
    return StoredWeight(
      shape: [placement.rowCount] + weight.shape.dropFirst(),
      pieces: placement.runs.flatMap { module, tensorRow in
        weight.rows(tensorRow..<tensorRow + module.count).pieces
      })
  }
}
