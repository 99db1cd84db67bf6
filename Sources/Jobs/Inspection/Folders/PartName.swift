/// The name of one of several parts: `model-00002-of-00009.safetensors`, `model-00001-of-00002.gguf`.
struct PartName: Hashable {
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

  /// Whether no other part of the same whole with a lower number is there: the part that stands for
  /// all of them.
  func isFirst(among names: [String]) -> Bool {
    !names.contains { name in
      PartName(name).map {
        $0.base == base && $0.count == count && $0.ending == ending && $0.number < number
      } ?? false
    }
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.count == 5 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(text) : nil
  }
}
