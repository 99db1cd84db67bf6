internal import Text

/// What one key of an adapter file is.
enum AdapterKey {
  /// A factor of the module `stem`.
  case factor(stem: String, Factor, suffix: String)
  /// The alpha of the module `stem`.
  case alpha(stem: String)
  /// A part of a method that isn't plain LoRA, about the module `stem`.
  case method(AdapterMethod, stem: String)
  /// Nothing that is known.
  case unknown

  enum Factor {
    case down, up
  }

  /// What a key is by its ending alone: files may mix endings, so no key decides for another.
  static func of(_ key: String) -> AdapterKey { known.value(of: key) { AdapterKey($0) } }

  private static let known = NameMemo<AdapterKey>()

  private init(_ key: String) {
    let dialects = AdapterDialects.shared
    if let found = Self.otherMethod(key, isLast: false) {
      self = found
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
    self = Self.otherMethod(key, isLast: true) ?? .unknown
  }

  private static func otherMethod(_ key: String, isLast: Bool) -> AdapterKey? {
    AdapterDialects.shared.methods.find(key, isLast: isLast)
      .map { .method($0.method, stem: $0.stem) }
  }

  /// Whether a name ends as only a factor of a LoRA does.
  static func isFactor(_ name: String) -> Bool {
    let bytes = name.utf8.span
    return AdapterDialects.shared.certainEndings.contains { ending in
      bytes.hold(ending.span, at: bytes.count - ending.count)
    }
  }

  /// Whether a name ends as a module's alpha does.
  static func isAlpha(_ name: String) -> Bool {
    AdapterDialects.shared.alphas.contains { name.utf8HasSuffix($0) }
  }

  /// Whether a name is an adapter's rather than a checkpoint's.
  static func isAdapters(_ name: String) -> Bool {
    if name.utf8Offset(of: "lora") != nil { return true }
    if AdapterDialects.shared.prefixes.contains(where: {
      $0.separator == "_" && name.utf8HasPrefix($0.text)
    }) {
      return true
    }
    if case .method(let method, _) = AdapterKey(name) { return !method.isInCheckpoints }
    return false
  }
}
