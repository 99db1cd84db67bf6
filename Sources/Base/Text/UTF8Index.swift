/// Finds texts by their UTF-8 bytes among a list that the caller keeps.
///
/// Four bytes a slot: a header may hold two million names, and `Dictionary` would compare them as
/// Swift strings do, where a composed and a decomposed letter are equal.
package struct UTF8Index: Sendable {
  /// Positions in the caller's list plus one; 0 is a free slot. The count is a power of two.
  private var slots: [UInt32]
  private var count = 0

  /// An index with room for `capacity` texts before it grows.
  package init(capacity: Int = 0) {
    var slotCount = capacity == 0 ? 0 : 8
    while slotCount < capacity * 2 { slotCount *= 2 }
    slots = Array(repeating: 0, count: slotCount)
  }

  /// The position of a text, or nil; `name` gives the text at a position of the caller's list.
  package func position(of text: String, name: (Int) -> String) -> Int? {
    if slots.isEmpty { return nil }
    let slot = slot(for: text, name: name)
    return slots[slot] == 0 ? nil : Int(slots[slot]) - 1
  }

  /// Notes that a text stands at a position; the position of an equal text noted before, and then
  /// nothing changes.
  package mutating func insert(_ text: String, at position: Int, name: (Int) -> String) -> Int? {
    if (count + 1) * 2 > slots.count { grow(name: name) }
    let slot = slot(for: text, name: name)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    slots[slot] = UInt32(position + 1)
    count += 1
    return nil
  }

  /// The slot that holds the text, or the free one where it belongs.
  private func slot(for text: String, name: (Int) -> String) -> Int {
    var slot = UTF8Index.hash(text) & (slots.count - 1)
    while slots[slot] != 0, !text.sameBytes(as: name(Int(slots[slot]) - 1)) {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private mutating func grow(name: (Int) -> String) {
    let old = slots
    slots = Array(repeating: 0, count: max(old.count * 2, 8))
    for entry in old where entry != 0 {
      var slot = UTF8Index.hash(name(Int(entry) - 1)) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = entry
    }
  }

  /// Seeded anew in every process, so that no file can be made to collide.
  private static func hash(_ text: String) -> Int {
    var hasher = Hasher()
    text.utf8.span.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    return hasher.finalize() & Int.max
  }
}
