public import JSON
public import SystemPackage

/// The values of a component's config.json, with their types and ranges checked.
///
/// Every count has an upper limit here and is checked against the tensors that exist before
/// anything is sized by it.
public struct ModelConfiguration: Sendable {
  /// Where the values come from; errors name it.
  public let file: FilePath
  /// The document's members.
  public let values: JSONObject

  /// The configuration in a file that has been parsed already.
  public init(_ json: JSONValue, file: FilePath) throws(ModelError) {
    guard let object = json.object else {
      throw .unreadable(file: file, detail: "expected a JSON object")
    }
    self.file = file
    values = object
  }

  private func value<Value>(
    _ key: String, default fallback: Value?, expected: String, _ read: (JSONValue) -> Value?
  ) throws(ModelError) -> Value {
    guard let json = values[key], json != .null else {
      if let fallback { return fallback }
      throw .configuration(file: file, key: key, expected: expected, found: "nothing")
    }
    guard let value = read(json) else {
      throw .configuration(file: file, key: key, expected: expected, found: json.text())
    }
    return value
  }

  /// An integer in a range; `fallback` stands for an absent or null key.
  public func integer(
    _ key: String, in range: ClosedRange<Int> = 1...1_000_000, default fallback: Int? = nil
  ) throws(ModelError) -> Int {
    try value(
      key, default: fallback,
      expected: "an integer from \(range.lowerBound) to \(range.upperBound)"
    ) { $0.integer.flatMap { range.contains($0) ? $0 : nil } }
  }

  /// A finite number.
  public func number(_ key: String, default fallback: Double? = nil) throws(ModelError) -> Double {
    try value(key, default: fallback, expected: "a number") {
      $0.double.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  /// A truth value.
  public func bool(_ key: String, default fallback: Bool? = nil) throws(ModelError) -> Bool {
    try value(key, default: fallback, expected: "true or false", \.bool)
  }

  /// A text.
  public func string(_ key: String, default fallback: String? = nil) throws(ModelError) -> String {
    try value(key, default: fallback, expected: "a string", \.string)
  }

  /// A list of integers in a range.
  public func integers(
    _ key: String, in range: ClosedRange<Int> = 1...1_000_000, default fallback: [Int]? = nil
  ) throws(ModelError) -> [Int] {
    try value(
      key, default: fallback,
      expected: "a list of integers from \(range.lowerBound) to \(range.upperBound)"
    ) { json in
      guard let array = json.array, array.count <= 64 else { return nil }
      let integers = array.compactMap(\.integer).filter(range.contains)
      return integers.count == array.count ? integers : nil
    }
  }

  /// A list of finite numbers.
  public func numbers(_ key: String, default fallback: [Double]? = nil) throws(ModelError)
    -> [Double]
  {
    try value(key, default: fallback, expected: "a list of numbers") { json in
      guard let array = json.array, array.count <= 4096 else { return nil }
      let numbers = array.compactMap(\.double).filter(\.isFinite)
      return numbers.count == array.count ? numbers : nil
    }
  }
}
