/// A part of a model by the names of its modules: `double_blocks.0-7`.
///
/// It is words of a module's name between dots, one after another, in any of the module's names: the canonical
/// one (`transformer_blocks.0.attn.to_q`), those of other layouts (`double_blocks.0.img_attn.qkv`), and the
/// short name of its kind of blocks (`double.0.attn.to_q`). A number may be a range, `0-7`, and numbers
/// between words may be left out, so that `double_blocks.img_attn` means every block's.
public struct ModulePattern: Sendable {
  /// As it is written.
  public let text: String
  private let words: [Word]
  private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

  private enum Word: Sendable {
    case text(Substring)
    case numbers(ClosedRange<Int>)
  }

  /// Reads a pattern; nil for what is none: no words between dots, or a number first.
  public init?(_ text: String) {
    var words: [Word] = []
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      guard !part.isEmpty else { return nil }
      guard part.utf8.allSatisfy({ Self.digits ~= $0 || $0 == UInt8(ascii: "-") }) else {
        words.append(.text(part))
        continue
      }
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard !words.isEmpty, ends.count <= 2, let first = ends.first ?? nil,
        let last = ends.last ?? nil,
        first <= last
      else { return nil }
      words.append(.numbers(first...last))
    }
    self.text = text
    self.words = words
  }

  /// Whether this is about the module of a name.
  public func matches(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    return parts.indices.contains { matches(parts[$0...], words[...], isFirst: true) }
  }

  private func matches(
    _ parts: ArraySlice<Substring>, _ words: ArraySlice<Word>, isFirst: Bool
  ) -> Bool {
    guard let word = words.first else { return true }
    guard let part = parts.first else { return false }
    switch word {
    case .numbers(let range):
      guard let number = Int(part), range.contains(number) else { return false }
    case .text(let text):
      if !isFirst, part.utf8.allSatisfy({ Self.digits ~= $0 }) {
        return matches(parts.dropFirst(), words, isFirst: false)
      }
      guard text == part else { return false }
    }
    return matches(parts.dropFirst(), words.dropFirst(), isFirst: false)
  }
}
