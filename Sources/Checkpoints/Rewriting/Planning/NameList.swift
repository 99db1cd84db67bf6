/// Names of which a sentence shows the first and counts the others.
struct NameList: CustomStringConvertible {
  private var first = ""
  private var count = 0

  /// Whether there is none.
  var isEmpty: Bool { count == 0 }

  mutating func add(_ name: String) {
    if count == 0 { first = name }
    count += 1
  }

  var description: String { "'\(first)'" + (count > 1 ? " and \(count - 1) more" : "") }
}
