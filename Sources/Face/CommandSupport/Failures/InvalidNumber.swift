/// What an option expected that got something else than a number.
///
/// The parser says only that a value is invalid. Words and sizes say themselves what they expect, so
/// that what is left are numbers: those that a fraction or a sign spoils are whole ones.
public enum InvalidNumber {
  /// A message of the parser's, with what was expected where it doesn't say that.
  ///
  /// - Parameter message: `The value '-1' is invalid for '--seed <seed>'`.
  /// - Returns: the same with `: expected a whole number from 0` behind it.
  public static func explained(_ message: String) -> String {
    guard message.hasPrefix("The value '"), message.hasSuffix(">'"),
      let end = message.firstRange(of: "' is invalid for '--")
    else { return message }
    let value = message[..<end.lowerBound].dropFirst("The value '".count)
    if value.isEmpty { return message }
    let expected =
      if Double(value) == nil { "a number" } else if value.hasPrefix("-") {
        "a whole number from 0"
      } else if value.allSatisfy(\.isNumber) { "a smaller number" } else { "a whole number" }
    return "\(message): expected \(expected)"
  }
}
