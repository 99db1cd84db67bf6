public import JSON

extension Architecture {
  /// A variant of a family at the size in which it is published, or with other counts of blocks.
  ///
  /// - Parameters:
  ///   - variant: which one.
  ///   - family: whose variant it is.
  ///   - blockCounts: counts of blocks by kind, for kinds that differ from the published model.
  public init(
    published variant: ModelFamily.Variant, of family: ModelFamily,
    blockCounts: [String: Int] = [:]
  ) {
    var dimensions = Dimensions(
      sizes: [:],
      blockCounts: Dictionary(
        uniqueKeysWithValues: family.blocks.map {
          ($0.name, blockCounts[$0.name] ?? $0.largestCount)
        }))
    for (name, value) in family.publishedSizes + variant.sizes { dimensions.sizes[name] = value }
    for flag in family.flags { dimensions.flags[flag.name] = false }
    for (name, value) in variant.flags + variant.otherFlags { dimensions.flags[name] = value }
    self.init(family: family, dimensions: dimensions)
  }

  /// The config.json of this model's transformer, as diffusers reads it. A key whose value the
  /// dimensions don't tell is left out.
  public var configuration: JSONValue {
    var object: JSONObject = ["_class_name": .string(family.className)]
    for rule in family.configuration {
      switch rule.requirement {
      case .value(let value): object[rule.key] = .integer(Int64(value))
      case .sum(_, let initial):
        object[rule.key] = .array(initial.map { .integer(Int64($0)) })
      case .expression(let expression, let nullWhen):
        if let flag = dimensions.flags[expression.text] {
          object[rule.key] = .bool(flag)
        } else if let value = expression.value({ dimensions[$0] }) {
          let isNull = nullWhen.map { dimensions[$0] == value } ?? false
          object[rule.key] = isNull ? .null : .integer(Int64(value))
        }
      }
    }
    return .object(object)
  }
}
