internal import Failures
internal import JSON
internal import Text

/// Texts from files, made harmless for the place where they are shown.
///
/// Names of tensors, metadata, captions and file names are whatever somebody wrote: a terminal
/// would obey control characters in them, a page would run markup, a spreadsheet formulas.
public enum SafeText {
  /// Text without characters that a terminal acts on or that reorder what is shown: they become
  /// `\u{1b}`. Longer texts are cut, with their full length behind.
  ///
  /// - Parameters:
  ///   - text: any text.
  ///   - limit: characters (Unicode scalars) shown at most.
  /// - Returns: one line of text.
  public static func terminal(_ text: String, limit: Int = 200) -> String {
    var result = String.UnicodeScalarView()
    for (position, scalar) in text.unicodeScalars.enumerated() {
      guard position < limit else {
        let count = text.unicodeScalars.count
        return "\(String(result))… (\(count) characters)"
      }
      if scalar.isUnsafeOnTerminals {
        result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// Text for the content or a quoted attribute of an HTML page. Control characters, which HTML
  /// doesn't allow, become `\u{1b}`; line ends stay.
  public static func html(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var result = ""
      for scalar in SafeText.terminal(String(line), limit: .max).unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.unicodeScalars.append(scalar)
        }
      }
      return result
    }.joined(separator: "\n")
  }

  /// A field of a line of comma-separated values, quoted where it has to be. Text that a
  /// spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers.
  ///
  /// **Source:** RFC 4180; OWASP, "CSV Injection".
  public static func csvField(_ text: String) -> String {
    let isFormula =
      text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
    let field = isFormula && Double(text) == nil ? "'" + text : text
    guard field.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else {
      return field
    }
    var quoted = "\""
    for scalar in field.unicodeScalars {
      if scalar == "\"" { quoted += "\"" }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
