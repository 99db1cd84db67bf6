/// Negative numbers as values of options.
enum NegativeNumbers {
  /// Arguments in which a negative number after an option belongs to it: `--lr -1` becomes
  /// `--lr=-1`, which the parser takes for a value rather than for options that start with `1`.
  ///
  /// - Parameter arguments: what a person typed, without the program's name.
  /// - Returns: the same arguments, or fewer; nothing behind `--` changes.
  static func joined(_ arguments: [String]) -> [String] {
    var result: [String] = []
    var isOptions = true
    for argument in arguments {
      if isOptions, isNegativeNumber(argument), let option = result.last, option.hasPrefix("--"),
        option != "--", !option.contains("=")
      {
        result[result.count - 1] = "\(option)=\(argument)"
        continue
      }
      if argument == "--" { isOptions = false }
      result.append(argument)
    }
    return result
  }

  private static func isNegativeNumber(_ text: String) -> Bool {
    guard text.utf8.first == UInt8(ascii: "-"), let second = text.utf8.dropFirst().first else {
      return false
    }
    // No option's name begins with a digit, so that a value such as `-3x4` is told of as that.
    let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(second)
    return isDigit || second == UInt8(ascii: ".") && Double(text) != nil
  }
}
