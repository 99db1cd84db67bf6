internal import Text

/// A pattern of layers' names: Python's regular expressions, as far as they are letters and digits, `.` with or without
/// a `*` or `+`, `\.`, alternatives in parentheses, and `$` at the end. A name that begins with what the pattern
/// says matches, as with Python's `re.match`.
package struct LayerPattern {
  private indirect enum Item {
    /// One byte; nil for any.
    case byte(UInt8?)
    /// Any bytes.
    case any
    case alternatives([[Item]])
    /// The end of the name.
    case end
  }

  private let items: [Item]

  /// Longer ones are not looked at.
  private static let largestLength = 256

  /// Nil for a pattern with anything else in it.
  package init?(_ text: String) {
    var bytes = Array(text.utf8)[...]
    guard bytes.count <= Self.largestLength, let items = Self.items(&bytes, isInside: false),
      bytes.isEmpty
    else { return nil }
    self.items = items
  }

  /// Reads items up to the end, or up to what ends an alternative.
  private static func items(_ bytes: inout ArraySlice<UInt8>, isInside: Bool) -> [Item]? {
    var items: [Item] = []
    while let byte = bytes.first {
      if isInside, byte == UInt8(ascii: "|") || byte == UInt8(ascii: ")") { return items }
      bytes = bytes.dropFirst()
      switch byte {
      case UInt8(ascii: "."):
        switch bytes.first {
        case UInt8(ascii: "*"): items.append(.any)
        case UInt8(ascii: "+"): items += [.byte(nil), .any]
        default:
          items.append(.byte(nil))
          continue
        }
        bytes = bytes.dropFirst()
      case UInt8(ascii: "\\"):
        guard bytes.first == UInt8(ascii: ".") else { return nil }
        bytes = bytes.dropFirst()
        items.append(.byte(UInt8(ascii: ".")))
      case UInt8(ascii: "$"):
        guard bytes.isEmpty, !isInside else { return nil }
        items.append(.end)
      case UInt8(ascii: "("):
        guard !isInside, let alternatives = alternatives(&bytes) else { return nil }
        items.append(.alternatives(alternatives))
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        items.append(.byte(byte))
      default: return nil
      }
    }
    return isInside ? nil : items
  }

  /// Reads alternatives up to their parenthesis.
  private static func alternatives(_ bytes: inout ArraySlice<UInt8>) -> [[Item]]? {
    var all: [[Item]] = []
    while let own = items(&bytes, isInside: true), let end = bytes.first {
      bytes = bytes.dropFirst()
      all.append(own)
      if end == UInt8(ascii: ")") { return all }
    }
    return nil
  }

  /// Whether a name begins with what this says.
  package func matches(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return !Self.ends(of: items, in: bytes, from: [0]).isEmpty
  }

  /// Where items may end that begin at some places.
  private static func ends(of items: [Item], in bytes: [UInt8], from starts: Set<Int>) -> Set<Int> {
    items.reduce(starts) { starts, item in
      guard let first = starts.min() else { return [] }
      switch item {
      case .any: return Set(first...bytes.count)
      case .end: return starts.filter { $0 == bytes.count }
      case .byte(let byte):
        return Set(
          starts.lazy.filter { $0 < bytes.count && (byte == nil || bytes[$0] == byte) }.map {
            $0 + 1
          })
      case .alternatives(let all):
        return all.reduce(into: Set<Int>()) { found, own in
          found.formUnion(ends(of: own, in: bytes, from: starts))
        }
      }
    }
  }
}
