extension CLIPTokenizer {
  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    .map { Array($0.unicodeScalars) }
  private static let tokenLiterals = ["<|startoftext|>", "<|endoftext|>"]
    .map { Array($0.unicodeScalars) }

  /// Calls back with the positions of every word of a normalised text; what is between words is
  /// white space and is dropped.
  ///
  /// The words are those of
  /// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  /// of which the first two, once more cut by GPT-2's pattern, fall in three.
  ///
  /// **Source:** huggingface/transformers, `models/clip/tokenization_clip.py`: the pattern and the
  /// byte-level cut after it.
  static func forEachWord(of text: ClassifiedText, _ body: (Range<Int>) -> Void) {
    var start = 0
    while start < text.count {
      if text.isA(.whitespace, at: start) {
        start += 1
        continue
      }
      if let literal = tokenLiterals.first(where: { text.starts(with: $0, at: start) }) {
        let end = start + literal.count
        body(start..<start + 2)
        body(start + 2..<end - 2)
        body(end - 2..<end)
        start = end
        continue
      }
      let end = endOfWord(in: text, from: start)
      body(start..<end)
      start = end
    }
  }

  private static func endOfWord(in text: ClassifiedText, from start: Int) -> Int {
    if let contraction = contractions.first(where: { text.starts(with: $0, at: start) }) {
      return start + contraction.count
    }
    if text.isA(.letter, at: start) { return text.end(ofRun: .letter, from: start) }
    if text.isA(.number, at: start) { return start + 1 }
    return text.end(ofRun: .other, from: start)
  }
}

extension ClassifiedText {
  /// Whether these scalars stand at a position.
  func starts(with expected: [Unicode.Scalar], at position: Int) -> Bool {
    expected.indices.allSatisfy { self[position + $0] == expected[$0] }
  }
}
