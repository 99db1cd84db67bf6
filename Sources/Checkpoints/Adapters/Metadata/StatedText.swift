/// A text that may name a model, made comparable: small letters without `-`, `_`, `.` and spaces, and
/// where its words begin.
struct StatedText {
  private var bytes: [UInt8] = []
  /// Whether a word begins at each of the bytes: after a separator, a digit or a change to capitals.
  private var starts: [Bool] = []

  init(_ text: Substring) {
    var last: UInt8?
    for byte in text.utf8 {
      defer { last = byte }
      guard !"-_. ".utf8.contains(byte) else { continue }
      bytes.append(byte.isCapital ? byte + 0x20 : byte)
      starts.append(last.map { !$0.isLetter || (byte.isCapital && !$0.isCapital) } ?? true)
    }
  }

  /// Whether it has these letters where a word begins: `taiwan2024` has no `wan2`.
  ///
  /// - Parameters:
  ///   - word: in small letters.
  ///   - isWhole: whether a word has to end behind them, too: `animation` is no `anima`.
  /// - Returns: whether it has them.
  func contains(_ word: String, isWhole: Bool = false) -> Bool {
    let word = Array(word.utf8)
    guard !word.isEmpty, word.count <= bytes.count else { return false }
    return (0...bytes.count - word.count).contains { start in
      let end = start + word.count
      return starts[start] && bytes[start..<end].elementsEqual(word)
        && (!isWhole || end == bytes.count || starts[end] || !bytes[end].isLetter)
    }
  }

  /// Whether it is this word.
  func isExactly(_ word: String) -> Bool { bytes.elementsEqual(word.utf8) }

  /// The parts of a text that may name a model, the one that counts first. Of a path that is the last
  /// one that isn't what every model has; folders above it are named for other things.
  static func parts(of text: String) -> [StatedText] {
    let parts = text.split { $0 == "/" || $0 == "\\" }
    if parts.count <= 2, text.utf8.first != UInt8(ascii: "/") {
      return parts.reversed().map(StatedText.init)
    }
    return parts.last { !$0.isInEveryModel }.map { [StatedText($0)] } ?? []
  }
}

extension Substring {
  /// Whether it is a name of folders that models of all kinds have: a component's, or a snapshot's in
  /// the cache of huggingface_hub.
  fileprivate var isInEveryModel: Bool {
    ["transformer", "snapshots"].contains(self)
      || (utf8.count == 40 && utf8.allSatisfy { $0.isDigit || (0x61...0x66).contains($0) })
  }
}

extension UInt8 {
  fileprivate var isCapital: Bool { (0x41...0x5a).contains(self) }
  /// Whether it is a letter, or part of one that isn't ASCII.
  fileprivate var isLetter: Bool { (0x61...0x7a).contains(self) || isCapital || self >= 0x80 }
}
