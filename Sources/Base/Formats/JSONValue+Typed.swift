package import JSON

/// Reading our own files: what is absent or of another kind is a mistake of ours, so it traps; the tests
/// read every file.
extension JSONValue {
  /// A text.
  package func text(_ key: String) -> String { required(key, "text", \.string) }

  /// A whole number.
  package func count(_ key: String) -> Int { required(key, "a whole number", \.integer) }

  /// A number.
  package func number(_ key: String) -> Double { required(key, "a number", \.double) }

  /// A member that is there.
  package func part(_ key: String) -> JSONValue { required(key, "a value", \.self) }

  /// An array; none when the key is absent.
  package func list(_ key: String) -> [JSONValue] { self[key]?.array ?? [] }

  /// An array of texts; none when the key is absent.
  package func texts(_ key: String) -> [String] { list(key).compactMap(\.string) }

  /// The members of an object; none when the key is absent.
  package func members(_ key: String) -> [JSONObject.Member] { self[key]?.object?.members ?? [] }

  /// The members of an object that are whole numbers.
  package func sizes(_ key: String) -> [(name: String, value: Int)] {
    members(key).compactMap { member in member.value.integer.map { (member.key, $0) } }
  }

  /// The members of an object that are true or false.
  package func flags(_ key: String) -> [(name: String, value: Bool)] {
    members(key).compactMap { member in member.value.bool.map { (member.key, $0) } }
  }

  private func required<Value>(
    _ key: String, _ expected: String, _ value: (JSONValue) -> Value?
  ) -> Value {
    guard let found = self[key].flatMap(value) else {
      preconditionFailure("formats: '\(key)': expected \(expected)")
    }
    return found
  }
}
