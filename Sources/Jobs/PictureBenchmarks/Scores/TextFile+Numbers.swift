internal import Text

extension TextFile {
  /// The number that a text is, white space around it aside.
  func number(_ text: some StringProtocol, _ line: Int) throws -> Double {
    guard let number = Double(text.trimmed), number.isFinite else {
      throw wrong(line, expected: "a number", found: excerpt(text.trimmed))
    }
    return number
  }

  /// The number after a mark, of the last line that has it.
  func number(after mark: String) throws -> Double? {
    var found: Double?
    for (index, line) in lines.enumerated() {
      guard let range = line.firstRange(of: mark) else { continue }
      found = try number(line[range.upperBound...], index + 1)
    }
    return found
  }
}
