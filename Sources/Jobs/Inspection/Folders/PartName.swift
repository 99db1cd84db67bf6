/// The name of one of several parts: `model-00002-of-00009.safetensors`, `model-00001-of-00002.gguf`.
struct PartName {
  /// What comes before the numbers.
  private let base: Substring
  private let number: Int
  private let count: Substring
  private let ending: Substring

  /// Reads a file name; nil when it has another form.
  init?(_ name: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of",
      let dot = parts.last?.firstIndex(of: "."),
      let number = Self.number(parts[parts.count - 3]), let last = parts.last,
      Self.number(last[..<dot]) != nil
    else { return nil }
    base = name[..<parts[parts.count - 3].startIndex]
    self.number = number
    count = last[..<dot]
    ending = last[dot...]
  }

  /// Those of some names that are parts of a whole whose first part among them is another: it stands for all.
  static func later(of names: [String]) -> Set<String> {
    var first: [Whole: (number: Int, name: String)] = [:]
    var later: Set<String> = []
    for name in names {
      guard let part = PartName(name) else { continue }
      let whole = Whole(base: part.base, count: part.count, ending: part.ending)
      if let known = first[whole] {
        later.insert(known.number <= part.number ? name : known.name)
        if known.number <= part.number { continue }
      }
      first[whole] = (part.number, name)
    }
    return later
  }

  /// What all parts of a whole have in common.
  private struct Whole: Hashable {
    let base, count, ending: Substring
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.count == 5 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(text) : nil
  }
}
