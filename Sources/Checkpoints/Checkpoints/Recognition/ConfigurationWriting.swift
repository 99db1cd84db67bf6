public import JSON

extension Architecture {
  /// The config.json of this model's transformer, with every key that the family describes.
  ///
  /// - Parameter known: a configuration to start from: keys that the family doesn't describe are
  ///   kept, and those that are true already.
  /// - Returns: the object; a key whose value can't be told from the dimensions is left out.
  public func configuration(keeping known: JSONObject? = nil) -> JSONObject {
    var object = known ?? JSONObject()
    object["_class_name"] = .string(family.className)
    for rule in family.configuration {
      guard let expected = expectation(of: rule) else { continue }
      if let found = object[rule.key], expected.accepts(found) { continue }
      object[rule.key] = value(expected, of: rule)
    }
    return object
  }

  private func value(
    _ expected: ConfigurationExpectation, of rule: ModelFamily.ConfigurationRule
  ) -> JSONValue {
    switch expected {
    // Where null would do, the number is as right.
    case .integer(let value, _): .integer(Int64(value))
    case .bool(let value): .bool(value)
    case .sum(let sum):
      if case .sum(_, let usual) = rule.requirement {
        .array(Self.share(sum, like: usual).map { .integer(Int64($0)) })
      } else {
        .null
      }
    }
  }

  /// Even parts of a sum in about the proportions of the usual ones: rotary axes come in pairs.
  private static func share(_ sum: Int, like usual: [Int]) -> [Int] {
    let whole = max(usual.reduce(0, +), 1)
    var parts = usual.map { max($0 * sum / whole / 2 * 2, 0) }
    if !parts.isEmpty { parts[0] += sum - parts.reduce(0, +) }
    return parts
  }
}
