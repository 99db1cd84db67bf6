/// Command lines in help, so that they can be pasted as they stand.
package enum ExampleText {
  /// Columns that help has for them, in 80 less what man pages indent: longer lines are wrapped,
  /// which breaks what is pasted.
  private static let columns = 74

  /// A command line in lines that end with a backslash where it goes on, broken before options and
  /// behind `&&`.
  ///
  /// - Parameters:
  ///   - line: one line; words in double quotes stay together.
  ///   - indent: spaces before the first line; the others have two more.
  /// - Returns: lines joined by line ends.
  package static func lines(_ line: String, indent: Int) -> String {
    let first = String(repeating: " ", count: indent)
    var lines: [String] = []
    var current = first
    for part in parts(of: line) {
      let isFirst = current == first || current == first + "  "
      if !isFirst, current.utf8.count + 1 + part.utf8.count > columns - 2 {
        lines.append(current + " \\")
        current = first + "  " + part
      } else if part == "&&" {
        // The next command starts as the first one did.
        lines.append(current + " && \\")
        current = first
      } else {
        current += (isFirst ? "" : " ") + part
      }
    }
    return (lines + [current]).joined(separator: "\n")
  }

  /// What a line may be broken between: words, an option with its value, what stands in quotes.
  private static func parts(of line: String) -> [String] {
    var words: [String] = []
    var isQuoted = false
    for piece in line.split(separator: " ", omittingEmptySubsequences: false) {
      if isQuoted { words[words.count - 1] += " " + piece } else { words.append(String(piece)) }
      if piece.utf8.count(where: { $0 == UInt8(ascii: "\"") }) % 2 == 1 { isQuoted.toggle() }
    }
    var parts: [String] = []
    for word in words {
      let startsValue = !word.utf8.starts(with: "-".utf8) && word != "&&"
      if startsValue, let last = parts.last, last.utf8.starts(with: "--".utf8),
        !last.utf8.contains(UInt8(ascii: " "))
      {
        parts[parts.count - 1] += " " + word
      } else {
        parts.append(word)
      }
    }
    return parts
  }
}
