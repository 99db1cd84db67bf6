/// A strength as it is given on the command line: a number, strengths of parts of the model, or both:
/// `0.8`, `double_blocks.0-7=0.5,single_blocks=1`, `0.8,single_blocks=0`.
public struct StrengthArgument: Sendable {
  /// The number; nil when none is given.
  public let number: Double?
  /// Parts of the model and their strengths, in order.
  public let blocks: [(name: String, strength: Double)]

  /// Takes an argument apart; names of parts are not looked at.
  public init(_ text: String) throws(AdapterArgument.Mistake) {
    var number: Double?
    var blocks: [(name: String, strength: Double)] = []
    // A comma is no decimal point.
    guard text.contains("=") || !text.contains(",") else { throw Self.noNumber(text) }
    for (index, part) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
      if index == 0, !part.contains("=") {
        number = try Self.number(part)
        continue
      }
      guard let equals = part.lastIndex(of: "="), equals > part.startIndex else {
        throw AdapterArgument.Mistake(
          "strength '\(part)' is for no part of the model; expected one such as "
            + "0.8,double_blocks.0-7=0.5")
      }
      blocks.append(
        (String(part[..<equals]), try Self.number(part[part.index(after: equals)...])))
    }
    self.number = number
    self.blocks = blocks
  }

  private static func noNumber(_ text: some StringProtocol) -> AdapterArgument.Mistake {
    AdapterArgument.Mistake("strength '\(text)' is no number")
  }

  private static func number(_ text: Substring) throws(AdapterArgument.Mistake) -> Double {
    guard let number = Double(text) else { throw noNumber(text) }
    guard number.isFinite else {
      throw AdapterArgument.Mistake("expected a finite strength, found \(number)")
    }
    return number
  }
}
