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
    guard !layout.rules.isEmpty else {
      return modules.flatMap { module in
        module.parameters.map {
          ExpectedTensor(names: ["\(module.path).\($0.name)"], shape: $0.shape)
        }
      }
    }
    return layout.rules.flatMap { rule in
      blockNumbers(of: rule.parts[0]).flatMap { tensors(of: rule, block: $0) }
    }
  }

  private func tensors(of rule: Layout.Rule, block: Int) -> [ExpectedTensor] {
    let parts = rule.modules.compactMap { module(family.modules[$0], block: block) }
    guard parts.count == rule.parts.count, let first = parts.first else { return [] }
    let path = rule.path.path(block: block)
    return first.parameters.enumerated().map { index, parameter in
      var shape = parameter.shape
      for part in parts.dropFirst() {
        shape[0] = shape[0].flatMap { rows in part.parameters[index].shape[0].map { rows + $0 } }
      }
      return ExpectedTensor(
        names: rule.names(ofParameter: parameter.name).map { "\(path).\($0)" }, shape: shape)
    }
  }
}
