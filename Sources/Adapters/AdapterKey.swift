/// What one key of an adapter file is.
enum AdapterKey {
  /// A factor of the module `stem`.
  case factor(stem: String, Factor, suffix: String)
  /// The alpha of the module `stem`.
  case alpha(stem: String)
  /// A part of a method that isn't plain LoRA.
  case refused(AdapterDialects.Refusal)
  /// Nothing that is known.
  case unknown

  enum Factor {
    case down, up
  }

  /// Classifies a key by its ending alone: files may mix endings, so no key decides for another.
  init(_ key: String) {
    let dialects = AdapterDialects.shared
    if let method = dialects.refused.first(where: { refusal in
      refusal.endings.contains(where: key.utf8HasSuffix)
        || refusal.parts.contains { key.firstRange(ofUTF8: $0) != nil }
    }) {
      self = .refused(method)
      return
    }
    for alpha in dialects.alphas
    where key.utf8HasSuffix(alpha) && key.utf8.count > alpha.utf8.count {
      self = .alpha(stem: String(key.utf8.dropLast(alpha.utf8.count)))
      return
    }
    for suffix in dialects.suffixes {
      if let stem = suffix.down.stem(of: key) {
        self = .factor(stem: stem, .down, suffix: suffix.name)
        return
      }
      if let stem = suffix.up.stem(of: key) {
        self = .factor(stem: stem, .up, suffix: suffix.name)
        return
      }
    }
    self = .unknown
  }
}

extension AdapterDialects {
  /// The prefix that a module's name begins with, and the path after it.
  func split(stem: String) -> (prefix: Prefix, path: String) {
    // The table ends with the empty prefix.
    let prefix = prefixes.first { stem.utf8HasPrefix($0.text) } ?? prefixes[prefixes.count - 1]
    return (prefix, String(stem.utf8.dropFirst(prefix.text.utf8.count)))
  }
}
