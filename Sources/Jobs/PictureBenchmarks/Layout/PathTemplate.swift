/// A text with places for values: `{id}`, `{index:5}` with zeros up to five digits.
struct PathTemplate: Sendable {
  /// What stands in a place.
  enum Value {
    case text(String)
    case number(Int)
  }

  private enum Part {
    case text(String)
    case place(name: String, digits: Int)
  }

  private let parts: [Part]

  /// Reads a template of our own.
  init(_ text: String) {
    var parts: [Part] = []
    for (number, piece) in text.split(separator: "{", omittingEmptySubsequences: false).enumerated()
    {
      guard number > 0 else {
        parts.append(.text(String(piece)))
        continue
      }
      let halves = piece.split(separator: "}", maxSplits: 1, omittingEmptySubsequences: false)
      let place = halves[0].split(separator: ":")
      parts.append(
        .place(name: String(place[0]), digits: place.count > 1 ? Int(place[1]) ?? 0 : 0))
      parts.append(.text(String(halves[1])))
    }
    self.parts = parts
  }

  /// The text with values in its places; each place must have one.
  func expanded(_ values: [String: Value]) -> String {
    parts.map { part in
      switch part {
      case .text(let text): return text
      case .place(let name, let digits):
        guard let value = values[name] else { preconditionFailure("no value for {\(name)}") }
        let text =
          switch value {
          case .text(let text): text
          case .number(let number): String(number)
          }
        return String(repeating: "0", count: max(0, digits - text.count)) + text
      }
    }.joined()
  }
}
