extension Qwen2Tokenizer {
  /// Calls back with the positions of every word; the words cover the text.
  ///
  /// The words are those of the pattern below; each function named after a part of it gives the
  /// end of the match, or nil.
  ///
  ///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*
  ///     |\s*[\r\n]+|\s+(?!\S)|\s+
  ///
  /// **Source:** huggingface/transformers, `models/qwen2/tokenization_qwen2.py`,
  /// `PRETOKENIZE_REGEX`.
  static func forEachWord(of text: ClassifiedText, _ body: (Range<Int>) -> Void) {
    var start = 0
    while start < text.count {
      let end =
        contraction(in: text, at: start)
        ?? letters(in: text, at: start)
        ?? (text.isA(.number, at: start) ? start + 1 : nil)
        ?? punctuation(in: text, at: start)
        ?? whitespace(in: text, at: start)
      body(start..<end)
      start = end
    }
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; the long s (U+017F) is an s when case is ignored.
  private static func contraction(in text: ClassifiedText, at start: Int) -> Int? {
    guard text[start] == "'", let first = text[start + 1] else { return nil }
    switch first {
    case "s", "S", "\u{17F}", "t", "T", "m", "M", "d", "D": return start + 2
    default: break
    }
    guard let second = text[start + 2] else { return nil }
    switch (first, second) {
    case ("r", "e"), ("r", "E"), ("R", "e"), ("R", "E"),
      ("v", "e"), ("v", "E"), ("V", "e"), ("V", "E"),
      ("l", "l"), ("l", "L"), ("L", "l"), ("L", "L"):
      return start + 3
    default: return nil
    }
  }

  /// `[^\r\n\p{L}\p{N}]?\p{L}+`
  private static func letters(in text: ClassifiedText, at start: Int) -> Int? {
    if text.isA(.letter, at: start) { return text.end(ofRun: .letter, from: start) }
    guard !text.isA(.number, at: start), !isLineBreak(text[start]),
      text.isA(.letter, at: start + 1)
    else { return nil }
    return text.end(ofRun: .letter, from: start + 1)
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
  private static func punctuation(in text: ClassifiedText, at start: Int) -> Int? {
    let first = text[start] == " " ? start + 1 : start
    guard text.isA(.other, at: first) else { return nil }
    var end = text.end(ofRun: .other, from: first)
    while isLineBreak(text[end]) { end += 1 }
    return end
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`: white space up to its last line break; without one, all of it, or
  /// all but the space that the next word begins with.
  private static func whitespace(in text: ClassifiedText, at start: Int) -> Int {
    let end = text.end(ofRun: .whitespace, from: start)
    if let lineBreak = (start..<end).last(where: { isLineBreak(text[$0]) }) {
      return lineBreak + 1
    }
    return end == text.count || end - start == 1 ? end : end - 1
  }

  private static func isLineBreak(_ scalar: Unicode.Scalar?) -> Bool {
    scalar == "\n" || scalar == "\r"
  }
}
