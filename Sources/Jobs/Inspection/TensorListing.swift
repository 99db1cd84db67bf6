internal import SystemPackage
public import Tensors

extension Inspected {
  /// The tensors whose names match a glob (`*` stands for any text, `?` for one character), in the
  /// order of the files; for a pipeline those of all components, for experts those of each.
  public func tensors(matching glob: String) -> [TensorView] {
    let pattern = Glob(glob)
    return allTensors.filter { pattern.matches($0.name) }
  }

  /// All of them, in the same order.
  var allTensors: [TensorView] { source?.tensors ?? parts.flatMap(\.allTensors) }

  /// Where each of these tensors belongs, for a list that is folded: the component of a pipeline, and the block
  /// (`transformer_blocks.7`) or, outside blocks, the first part of its name.
  ///
  /// - Parameter glob: as ``tensors(matching:)`` takes it.
  /// - Returns: as many titles, in the same order.
  public func tensorGroups(matching glob: String) -> [String] {
    guard source != nil else {
      return parts.flatMap { part in
        let name = part.path.lastComponent?.string ?? ""
        return part.tensorGroups(matching: glob).map { "\(name): \($0)" }
      }
    }
    return tensors(matching: glob).map { Self.block(of: $0.name) }
  }

  /// The beginning of a name up to its first number, or its first part where it has none. Kohya's names have
  /// underscores for dots.
  private static func block(of name: String) -> String {
    let isFlat = name.hasPrefix("lora_") || name.hasPrefix("lycoris_")
    let parts = name.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "." || isFlat && $0 == "_" })
    let number = parts.firstIndex { !$0.isEmpty && $0.allSatisfy(\.isNumber) }
    let end = parts[number ?? 0].endIndex
    return String(name[..<end])
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
