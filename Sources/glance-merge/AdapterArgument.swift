import CommandSupport
import Merging
import SystemPackage

/// An adapter as it is named on the command line: `[phase=]file[:strength]`.
struct AdapterArgument {
  let file: FilePath
  let phase: String?
  /// Nil when none is given.
  let strength: Double?

  /// Takes an argument apart; a file whose name has `=` or `:` in it is itself.
  init(_ text: String) throws(MergeError) {
    var rest = text[...]
    var phase: String?
    if let equals = rest.firstIndex(of: "="), !rest[..<equals].contains("/"), !Self.exists(rest) {
      phase = String(rest[..<equals])
      rest = rest[rest.index(after: equals)...]
    }
    var strength: Double?
    if let colon = rest.lastIndex(of: ":"), !Self.exists(rest) {
      let (head, tail) = (rest[..<colon], rest[rest.index(after: colon)...])
      if let number = Double(tail) {
        guard number.isFinite else {
          throw .usage("\(head): expected a finite strength, found \(number)")
        }
        strength = number
        rest = head
      } else if Self.exists(head) {
        throw .usage(
          "\(head): "
            + (tail.isEmpty ? "no strength follows the colon" : "strength '\(tail)' is no number")
            + "; expected one such as \(head):0.8")
      }
    }
    guard !rest.isEmpty else {
      throw .usage("'\(text)' names no file; expected [phase=]file[:strength]")
    }
    file = FilePath(String(rest))
    self.phase = phase
    self.strength = strength
  }

  private static func exists(_ path: Substring) -> Bool { FilePath(String(path)).isThere }
}
