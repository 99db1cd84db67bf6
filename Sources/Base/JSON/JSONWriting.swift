internal import Text

extension JSONValue {
  /// How a document is laid out.
  public enum Style: Sendable {
    /// One line, no spaces: for headers and lines of a log.
    case compact
    /// One member a line, indented by two spaces: for files that people open.
    case pretty
  }

  /// The document as text. Control characters, DEL, C1 and bidirectional controls are escaped, so
  /// that the text is safe on a terminal; numbers are written so that they read back the same.
  public func text(_ style: Style = .compact) -> String {
    var writer = JSONWriter(style: style)
    writer.write(self, depth: 0)
    return writer.text
  }
}

private struct JSONWriter {
  let style: JSONValue.Style
  var text = ""

  mutating func write(_ value: JSONValue, depth: Int) {
    switch value {
    case .null: text += "null"
    case .bool(let bool): text += bool ? "true" : "false"
    case .integer(let integer): text += String(integer)
    case .number(let number): text += number.isFinite ? "\(number)" : "null"
    case .string(let string): write(string)
    case .array(let elements):
      let isFlat = elements.allSatisfy { $0.object == nil && $0.array == nil }
      writeList(elements, "[", "]", depth: depth, onOneLine: isFlat) { writer, element in
        writer.write(element, depth: depth + 1)
      }
    case .object(let object):
      writeList(object.members, "{", "}", depth: depth, onOneLine: false) { writer, member in
        writer.write(member.key)
        writer.text += writer.style == .pretty ? ": " : ":"
        writer.write(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func writeList<Element>(
    _ elements: [Element], _ open: String, _ close: String, depth: Int, onOneLine: Bool,
    _ writeElement: (inout JSONWriter, Element) -> Void
  ) {
    let breaks = style == .pretty && !onOneLine && !elements.isEmpty
    text += open
    for (index, element) in elements.enumerated() {
      if index > 0 { text += style == .pretty && !breaks ? ", " : "," }
      if breaks { text += "\n" + String(repeating: "  ", count: depth + 1) }
      writeElement(&self, element)
    }
    if breaks { text += "\n" + String(repeating: "  ", count: depth) }
    text += close
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.isUnsafeOnTerminals:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
