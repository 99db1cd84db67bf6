public import Tensors

extension Inspected {
  /// The tensors whose names match a glob (`*` stands for any text, `?` for one character), in the
  /// order of the files; for a pipeline those of all components, for experts those of each.
  public func tensors(matching glob: String) -> [TensorView] {
    guard let source else { return parts.flatMap { $0.tensors(matching: glob) } }
    let pattern = Glob(glob)
    return source.tensors.filter { pattern.matches($0.name) }
  }
}

/// A pattern for names: `*` stands for any text, `?` for one character.
struct Glob {
  private let pattern: [Unicode.Scalar]

  init(_ text: String) { pattern = Array(text.unicodeScalars) }

  /// Whether the whole name fits.
  func matches(_ name: String) -> Bool { Self.matches(Array(name.unicodeScalars), pattern) }

  /// Walks both once; on a mismatch the last `*` takes one character more.
  private static func matches(
    _ text: [Unicode.Scalar], _ pattern: [Unicode.Scalar]
  ) -> Bool {
    var (t, p) = (0, 0)
    var retry: (text: Int, pattern: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        retry = (t, p + 1)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
        t += 1
        p += 1
      } else if let last = retry {
        t = last.text + 1
        p = last.pattern
        retry = (t, p)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}
