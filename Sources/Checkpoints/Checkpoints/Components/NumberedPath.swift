/// A path of a format file in which numbers are expressions over counts and loop variables:
/// `decoder.up.{levels-1-a}.block.{b}`.
struct NumberedPath: Sendable, Equatable {
  private let segments: [Segment]

  private enum Segment: Sendable, Equatable {
    case text(String)
    case number(DimensionExpression)
  }

  /// Reads a path; a malformed one is our mistake.
  init(_ text: String) {
    var segments: [Segment] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else {
        preconditionFailure("'\(text)': a brace is open")
      }
      segments.append(.text(String(rest[..<open])))
      segments.append(.number(DimensionExpression(String(rest[rest.index(after: open)..<close]))))
      rest = rest[rest.index(after: close)...]
    }
    segments.append(.text(String(rest)))
    self.segments = segments
  }

  /// The path for some numbers; nil when one of them has no value.
  func path(_ value: (String) -> Int?) -> String? {
    var path = ""
    for segment in segments {
      switch segment {
      case .text(let text): path += text
      case .number(let expression):
        guard let number = expression.value(value) else { return nil }
        path += String(number)
      }
    }
    return path
  }
}
