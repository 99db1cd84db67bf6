internal import JSON
internal import Text

extension Dimensions {
  /// Takes the flags that no tensor shows from config.json, and those that a marker didn't set.
  mutating func takeFlags(of family: ModelFamily, from configuration: Configuration?) {
    guard let configuration else { return }
    for flag in family.flags where flag.tensors.isEmpty && flags[flag.name] != true {
      let rule = family.configuration.first {
        guard case .expression(let expression, _) = $0.requirement else { return false }
        return expression.text == flag.name
      }
      guard let rule, configuration.json[rule.key]?.bool == true else { continue }
      flags[flag.name] = true
    }
  }
}

extension Architecture {
  /// Where config.json contradicts the tensors. A key that is absent is not looked at.
  func check(_ configuration: Configuration) -> [CheckpointProblem] {
    var problems: [CheckpointProblem] = []
    if let name = configuration.className, !name.sameBytes(as: family.className) {
      problems.append(
        .configuration(key: "_class_name", expected: family.className, found: "'\(name)'"))
    }
    for rule in family.configuration {
      guard let found = configuration.json[rule.key] else { continue }
      guard let expected = expectation(of: rule), !expected.accepts(found) else { continue }
      problems.append(
        .configuration(key: rule.key, expected: expected.text, found: found.text(.compact)))
    }
    return problems
  }

  /// What a key must hold; nil when the tensors don't tell.
  func expectation(of rule: ModelFamily.ConfigurationRule) -> ConfigurationExpectation? {
    switch rule.requirement {
    case .value(let value): return .integer(value, orNull: false)
    case .sum(let name, _): return dimensions[name].map { .sum($0) }
    case .expression(let expression, let nullWhen):
      if let flag = dimensions.flags[expression.text] { return .bool(flag) }
      guard let value = expression.value({ dimensions[$0] }) else { return nil }
      let mayBeNull = nullWhen.map { dimensions[$0] == value } ?? false
      return .integer(value, orNull: mayBeNull)
    }
  }
}

/// What a key of config.json must hold.
enum ConfigurationExpectation {
  case integer(Int, orNull: Bool)
  case bool(Bool)
  case sum(Int)

  var text: String {
    switch self {
    case .integer(let value, let orNull): "\(value)" + (orNull ? " or null" : "")
    case .bool(let value): "\(value)"
    case .sum(let value): "an array with sum \(value)"
    }
  }

  func accepts(_ found: JSONValue) -> Bool {
    switch self {
    case .integer(let value, let orNull): found.integer == value || (orNull && found == .null)
    case .bool(let value): found.bool == value
    case .sum(let value):
      found.array?.reduce(Int?(0)) { sum, element in
        sum.flatMap { sum in
          element.integer.flatMap { (0...Dimensions.largestSize).contains($0) ? sum + $0 : nil }
        }
      } == value
    }
  }
}
