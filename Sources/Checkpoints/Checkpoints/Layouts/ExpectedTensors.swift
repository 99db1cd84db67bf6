/// A tensor that a checkpoint of an architecture must have, under the names of a layout.
public struct ExpectedTensor: Sendable, Equatable {
  /// Names after the prefix: the one to write first, then others that are read.
  public let names: [String]
  /// Sizes; nil for one that the dimensions don't tell.
  public let shape: [Int?]

  func accepts(_ found: [Int]) -> Bool {
    found.count == shape.count && zip(shape, found).allSatisfy { $0 == nil || $0 == $1 }
  }
}

extension Architecture {
  /// The tensors of this model under the names of a layout.
  public func tensors(in layout: Layout) -> [ExpectedTensor] {
    layoutTensors(in: layout).map { tensor in
      let rows = tensor.parts.reduce(Int?(0)) { sum, part in
        sum.flatMap { sum in part.rowCount.map { sum + $0 } }
      }
      let isMatrix = tensor.parameter == "weight" && tensor.template.kind != .norm
      return ExpectedTensor(names: tensor.names, shape: isMatrix ? [rows, tensor.columns] : [rows])
    }
  }
}
