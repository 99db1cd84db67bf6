/// Takes added tokens out of a text.
///
/// Source: huggingface/tokenizers, `added_vocabulary.rs`, `extract_and_normalize` and
/// `find_matches`: tokens of the text as written first, then, in what is left and normalised,
/// the others; the leftmost match wins, the longest of those.
struct AddedTokenMatcher: Sendable {
  /// A stretch of a text.
  enum Section {
    /// Text for the model.
    case text(ArraySlice<Unicode.Scalar>)
    /// An added token.
    case token(Int32)
  }

  private struct Pattern: Sendable {
    let scalars: [Unicode.Scalar]
    let token: AddedToken
  }
  /// Patterns by their first scalar, the longest first.
  private typealias Patterns = [Unicode.Scalar: [Pattern]]

  private let written: Patterns
  private let normalized: Patterns
  private let normalize: @Sendable ([Unicode.Scalar]) -> [Unicode.Scalar]

  /// A matcher of these tokens before a model whose normalisation is `normalize`.
  init(
    _ tokens: [AddedToken],
    normalize: @escaping @Sendable ([Unicode.Scalar]) -> [Unicode.Scalar]
  ) {
    self.normalize = normalize
    written = AddedTokenMatcher.patterns(
      tokens.filter { !$0.rules.isNormalized }, spelling: { $0 })
    normalized = AddedTokenMatcher.patterns(
      tokens.filter { $0.rules.isNormalized }, spelling: normalize)
  }

  /// The sections of a text, in order; those of text are normalised and never empty.
  func sections(of text: String) -> [Section] {
    var result: [Section] = []
    for section in AddedTokenMatcher.split(Array(text.unicodeScalars), at: written) {
      switch section {
      case .token: result.append(section)
      case .text(let scalars):
        result += AddedTokenMatcher.split(normalize(Array(scalars)), at: normalized)
      }
    }
    return result
  }

  /// The ids of a text: those of its added tokens, and what a model makes of the text between them.
  func ids(
    of text: String, model: (ArraySlice<Unicode.Scalar>, inout [Int32]) -> Void
  ) -> [Int32] {
    var ids: [Int32] = []
    for section in sections(of: text) {
      switch section {
      case .token(let id): ids.append(id)
      case .text(let scalars): model(scalars, &ids)
      }
    }
    return ids
  }

  private static func patterns(
    _ tokens: [AddedToken], spelling: ([Unicode.Scalar]) -> [Unicode.Scalar]
  ) -> Patterns {
    var result: Patterns = [:]
    for token in tokens {
      let scalars = spelling(Array(token.content.unicodeScalars))
      guard let first = scalars.first else { continue }
      result[first, default: []].append(Pattern(scalars: scalars, token: token))
    }
    return result.mapValues { patterns in
      patterns.sorted { ($1.scalars.count, $0.token.id) < ($0.scalars.count, $1.token.id) }
    }
  }

  private static func split(_ text: [Unicode.Scalar], at patterns: Patterns) -> [Section] {
    guard !patterns.isEmpty else { return text.isEmpty ? [] : [.text(text[...])] }
    var sections: [Section] = []
    var sectionStart = 0
    var position = 0
    while position < text.count {
      guard let pattern = match(in: text, at: position, patterns) else {
        position += 1
        continue
      }
      var start = position
      var end = position + pattern.scalars.count
      position = end
      let rules = pattern.token.rules
      if rules.isSingleWord, touchesWord(text, start: start, end: end) { continue }
      if rules.stripsLeft {
        while start > sectionStart, text[start - 1].properties.isWhitespace { start -= 1 }
      }
      if rules.stripsRight {
        while end < text.count, text[end].properties.isWhitespace { end += 1 }
      }
      if sectionStart < start { sections.append(.text(text[sectionStart..<start])) }
      sections.append(.token(pattern.token.id))
      sectionStart = end
      position = end
    }
    if sectionStart < text.count { sections.append(.text(text[sectionStart...])) }
    return sections
  }

  private static func match(
    in text: [Unicode.Scalar], at position: Int, _ patterns: Patterns
  ) -> Pattern? {
    patterns[text[position]]?.first { pattern in
      text.count - position >= pattern.scalars.count
        && text[position..<position + pattern.scalars.count].elementsEqual(pattern.scalars)
    }
  }

  private static func touchesWord(_ text: [Unicode.Scalar], start: Int, end: Int) -> Bool {
    (start > 0 && isWordScalar(text[start - 1])) || (end < text.count && isWordScalar(text[end]))
  }

  /// What `\w` is to a Unicode regular expression.
  private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    return switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: false
    }
  }
}
