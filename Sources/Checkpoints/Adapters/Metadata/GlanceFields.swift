internal import SystemPackage
internal import Tensors

/// Reads single values of `glance.*` metadata.
struct GlanceFields {
  static let prefix = "glance."

  let metadata: Metadata
  let file: FilePath

  /// A value as it stands.
  func text(_ key: String) -> String? { metadata[Self.prefix + key] }

  /// A finite decimal number.
  func number(_ key: String) throws -> Double? {
    try read(key, expected: "a number") { text in
      Double(text).flatMap { $0.isFinite && text.isPlainNumber ? $0 : nil }
    }
  }

  /// An integer above 0.
  func count(_ key: String) throws -> Int? {
    try read(key, expected: "a whole number above 0") { text in
      Int(text).flatMap { $0 > 0 ? $0 : nil }
    }
  }

  /// An integer from 0 to 2⁶⁴ − 1.
  func seed(_ key: String) throws -> UInt64? {
    try read(key, expected: "a whole number", UInt64.init)
  }

  /// Two sizes joined by an x.
  func size(_ key: String) throws -> GlanceMetadata.ImageSize? {
    try read(key, expected: "WIDTHxHEIGHT") { text in
      let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0
      else { return nil }
      return GlanceMetadata.ImageSize(width: width, height: height)
    }
  }

  /// Indices joined by commas, phases joined by bars.
  func indices(_ key: String) throws -> [[Int]]? {
    try read(key, expected: "indices such as 0,2|10,20") { text in
      var phases: [[Int]] = []
      for part in text.split(separator: "|", omittingEmptySubsequences: false) {
        let items = part.split(separator: ",", omittingEmptySubsequences: false)
        let indices = items.compactMap { Int($0) }.filter { $0 >= 0 }
        guard indices.count == items.count else { return nil }
        phases.append(indices)
      }
      return phases
    }
  }

  /// The name of a phase.
  func phase(_ key: String) throws -> String? {
    try read(key, expected: "1 to 32 letters, digits and hyphens") { text in
      ExpertBundle.isPhaseName(text) ? text : nil
    }
  }

  /// A SHA-256 digest.
  func digest(_ key: String) throws -> String? {
    try read(key, expected: "64 hexadecimal digits") { text in
      text.utf8.count == 64 && text.utf8.allSatisfy(\.isHexadecimal) ? text : nil
    }
  }

  private func read<Value>(
    _ key: String, expected: String, _ parse: (String) -> Value?
  ) throws -> Value? {
    guard let text = text(key) else { return nil }
    guard let value = parse(text) else {
      throw AdapterError.badMetadata(
        file: file, key: Self.prefix + key, expected: expected, found: String(text.prefix(60)))
    }
    return value
  }
}

extension String {
  /// Whether only digits, a sign, a point and an exponent occur: `Double` also reads `0x1p3`.
  fileprivate var isPlainNumber: Bool {
    utf8.allSatisfy { $0.isDigit || "+-.eE".utf8.contains($0) }
  }
}

extension UInt8 {
  fileprivate var isHexadecimal: Bool {
    isDigit || (self >= UInt8(ascii: "a") && self <= UInt8(ascii: "f"))
      || (self >= UInt8(ascii: "A") && self <= UInt8(ascii: "F"))
  }
}
