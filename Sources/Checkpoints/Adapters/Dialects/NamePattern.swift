/// A key of `rank_pattern` or `alpha_pattern`: a regular expression that must match the end of a
/// module's path at a dot, or the whole path after `^`.
///
/// Understood are plain characters, `.` for any character, `\` before a character that is meant as
/// it is, `\d` for a digit, and `*`, `+` and `?` after one of these. Anything else makes the pattern
/// unreadable: guessing what it means would give modules a wrong scale.
///
/// Source: huggingface/peft, `utils/other.py`, `get_pattern_key`.
struct NamePattern: Sendable {
  private struct Atom: Sendable {
    enum Kind: Equatable {
      case byte(UInt8), any, digit
    }
    let kind: Kind
    var mayBeAbsent = false
    var mayRepeat = false

    func matches(_ byte: UInt8) -> Bool {
      switch kind {
      case .byte(let wanted): byte == wanted
      case .any: byte != UInt8(ascii: "\n")
      case .digit: byte.isDigit
      }
    }
  }

  private let atoms: [Atom]
  private let isAnchored: Bool

  /// Reads a pattern; nil when it uses more than is understood.
  init?(_ text: String) {
    var bytes = text.utf8[...]
    isAnchored = bytes.first == UInt8(ascii: "^")
    if isAnchored { bytes.removeFirst() }
    if bytes.last == UInt8(ascii: "$") { bytes.removeLast() }
    var atoms: [Atom] = []
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "."): atoms.append(Atom(kind: .any))
      case UInt8(ascii: "\\"):
        guard let escaped = bytes.popFirst() else { return nil }
        if escaped == UInt8(ascii: "d") {
          atoms.append(Atom(kind: .digit))
        } else if escaped.isLetterOrDigit {
          return nil
        } else {
          atoms.append(Atom(kind: .byte(escaped)))
        }
      case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
        guard var last = atoms.popLast(), !last.mayBeAbsent, !last.mayRepeat else { return nil }
        last.mayBeAbsent = byte != UInt8(ascii: "+")
        last.mayRepeat = byte != UInt8(ascii: "?")
        atoms.append(last)
      case _ where "()[]{}|^$".utf8.contains(byte): return nil
      default: atoms.append(Atom(kind: .byte(byte)))
      }
    }
    self.atoms = atoms
  }

  /// Whether the path ends with the pattern, at its beginning or after a dot.
  func matches(_ path: String) -> Bool {
    let bytes = Array(path.utf8)
    // States: how many atoms are done. A new attempt may begin at the start and after every dot.
    var states = Set<Int>()
    for position in 0...bytes.count {
      if position == 0 || (!isAnchored && bytes[position - 1] == UInt8(ascii: ".")) {
        states.insert(0)
      }
      states = closure(states)
      guard position < bytes.count else { break }
      var next = Set<Int>()
      for state in states where state < atoms.count && atoms[state].matches(bytes[position]) {
        next.insert(state + 1)
        if atoms[state].mayRepeat { next.insert(state) }
      }
      states = next
    }
    return states.contains(atoms.count)
  }

  /// Adds the states that are reached without reading a byte. A repeated atom that matched once
  /// stays in its own state, from where it may end.
  private func closure(_ states: Set<Int>) -> Set<Int> {
    var all = states
    for state in states.sorted() {
      var state = state
      while state < atoms.count, atoms[state].mayBeAbsent {
        state += 1
        all.insert(state)
      }
    }
    return all
  }
}

extension UInt8 {
  fileprivate var isLetterOrDigit: Bool {
    isDigit || (self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "z"))
  }
}
