/// A family at particular dimensions: every module and tensor of one model, under its canonical
/// (diffusers) names.
public struct Architecture: Sendable {
  /// The family.
  public let family: ModelFamily
  /// Its dimensions here.
  public let dimensions: Dimensions

  /// A family at these dimensions.
  public init(family: ModelFamily, dimensions: Dimensions) {
    self.family = family
    self.dimensions = dimensions
  }

  /// One module with weights.
  public struct Module: Sendable {
    /// Canonical path, such as `transformer_blocks.0.attn.to_q`.
    public let path: String
    /// What kind of module it is and what for.
    public let template: ModuleTemplate
    /// Rows of its weight; nil when the dimensions don't tell.
    public let outFeatures: Int?
    /// Columns of its weight; nil for a norm, or when the dimensions don't tell.
    public let inFeatures: Int?

    /// Its tensors: parameter (`weight`, `bias`) and shape, with nil for an axis that isn't known.
    package var parameters: [(name: String, shape: [Int?])] {
      switch template.kind {
      case .linear: [("weight", [outFeatures, inFeatures]), ("bias", [outFeatures])]
      case .norm: [("weight", [outFeatures])]
      case .embedding: [("weight", [outFeatures, inFeatures])]
      }
    }

    /// The shape of a parameter, with nil for an axis that isn't known; nil when it has none of the name.
    package func shape(of parameter: String) -> [Int?]? {
      parameters.first { $0.name == parameter }?.shape
    }
  }

  /// Every module that this model has, blocks in order.
  public var modules: [Module] {
    var modules: [Module] = []
    var position = 0
    let templates = family.modules
    while position < templates.count {
      let numbers = blockNumbers(of: templates[position].path)
      let head = templates[position].path.head
      let end =
        templates[position].path.isInBlock
        ? templates[position...].firstIndex { $0.path.head != head || !$0.path.isInBlock }
          ?? templates.count
        : position + 1
      for number in numbers {
        modules += templates[position..<end].compactMap { module($0, block: number) }
      }
      position = end
    }
    return modules
  }

  /// The module of a template in a block; nil when a flag says that there is none.
  func module(_ template: ModuleTemplate, block: Int) -> Module? {
    if let flag = template.flag, dimensions.flags[flag] != true { return nil }
    return Module(
      path: template.path.path(block: block), template: template,
      outFeatures: template.outFeatures.value { dimensions[$0] },
      inFeatures: template.inFeatures?.value { dimensions[$0] })
  }

  /// The module of a canonical path, or nil when this model has none.
  public func module(at path: String) -> Module? {
    for template in family.modules {
      guard let number = template.path.block(of: path),
        blockNumbers(of: template.path).contains(number)
      else { continue }
      return module(template, block: number)
    }
    return nil
  }

  /// The numbers that stand for `{n}` in a path of this model.
  func blockNumbers(of path: PathTemplate) -> [Int] {
    guard path.isInBlock else { return [0] }
    let kind = family.blocks.first { path.isInBlock(of: $0) }
    return kind.flatMap { dimensions.blockNumbers[$0.name] } ?? []
  }

  /// Elements of all tensors; nil when a dimension isn't known or the sum overflows.
  public var parameterCount: Int? {
    var sum = 0
    for module in modules {
      for (_, shape) in module.parameters {
        var product = 1
        for size in shape {
          guard let size, let larger = product.times(size) else { return nil }
          product = larger
        }
        guard let larger = sum.plus(product) else { return nil }
        sum = larger
      }
    }
    return sum
  }
}
