import FuzzSupport
import Reports

/// Text from anywhere: on its way out nothing is left that a terminal, a page or a spreadsheet acts
/// on.
@main
enum TerminalTarget: FuzzTarget {
  static func run(_ input: RawSpan) {
    let text = String(decoding: input.array, as: UTF8.self)
    for limit in [7, 200, Int.max] {
      let safe = SafeText.terminal(text, limit: limit)
      promise(
        !safe.unicodeScalars.contains(where: isForbidden), "terminal: \(safe.debugDescription)")
      let bound = limit == .max ? Int.max : limit * 10 + 40
      promise(safe.unicodeScalars.count <= bound, "no longer than asked for")
    }
    let html = SafeText.html(text)
    promise(
      !html.unicodeScalars.contains {
        $0 != "\n" && isForbidden($0) || "<>\"'".unicodeScalars.contains($0)
      },
      "html: \(html.debugDescription)")
    let field = SafeText.csvField(text)
    let content = field.first == "\"" ? field.unicodeScalars.dropFirst() : field.unicodeScalars[...]
    promise(
      content.first.map { !"=+-@\t\r".unicodeScalars.contains($0) } != false || Double(text) != nil,
      "csv: \(field.debugDescription)")
  }

  /// Written apart from the code under test: C0, DEL, C1, marks and overrides of direction, line and
  /// paragraph separators.
  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F: true
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    case 0x2028, 0x2029: true
    default: false
    }
  }
}
