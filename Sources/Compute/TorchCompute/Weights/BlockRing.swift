internal import Synchronization

/// Copies of blocks in slots of a device's memory, in an order that a ring decides: what it asks of whatever copies.
/// Computing and copying go on by themselves; these calls say what waits for what.
package protocol BlockCopying: Sendable {
  /// Has what is copied to a slot next wait for all that was recorded to be computed so far.
  func release(_ slot: Int) throws
  /// Begins to copy a block to a slot.
  func copy(_ block: Int, to slot: Int) throws
  /// Has what is recorded to be computed from now on wait for what was last copied to a slot.
  func await(_ slot: Int) throws
}

/// Slots that blocks go through: while one block is computed the next one is copied.
///
/// A pass asks for a block's successor when the block begins, and the backward pass for its predecessor, so that two
/// slots are enough; what is in a slot is found again where the passes turn round. Whoever asks otherwise, such as
/// two passes at once, gets the right block too, and waits longer.
package final class BlockRing: Sendable {
  private struct State {
    /// The block in each slot.
    var blocks: [Int?]
    /// Whether what is computed waits for the slot's copy already.
    var isAwaited: [Bool]
    /// Slots, the one that was asked for longest ago first.
    var order: [Int]
  }

  private let state: Mutex<State>
  private let copies: any BlockCopying

  /// A ring of so many empty slots.
  package init(slots count: Int, _ copies: any BlockCopying) {
    precondition(count > 0, "a ring has slots")
    self.copies = copies
    state = Mutex(
      State(
        blocks: Array(repeating: nil, count: count),
        isAwaited: Array(repeating: false, count: count), order: Array(0..<count)))
  }

  /// Says that a block will be needed next: it is copied unless it is there. What was computed with the block that
  /// makes room for it has been recorded.
  package func prepare(_ block: Int) throws {
    try state.withLock { _ = try slot(for: block, &$0) }
  }

  /// Runs the body, which records something to be computed, with the slot that a block is in.
  package func with<Result>(_ block: Int, _ body: (_ slot: Int) throws -> Result) throws -> Result {
    // To the end of the body, so that no other pass takes the slot before its work is recorded.
    try state.withLock { state in
      let slot = try state.blocks.firstIndex(of: block) ?? slot(for: block, &state)
      if !state.isAwaited[slot] {
        try copies.await(slot)
        state.isAwaited[slot] = true
      }
      return try body(slot)
    }
  }

  private func slot(for block: Int, _ state: inout State) throws -> Int {
    let found = state.blocks.firstIndex(of: block)
    let slot = found ?? state.order[0]
    state.order.removeAll { $0 == slot }
    state.order.append(slot)
    guard found == nil else { return slot }
    state.blocks[slot] = nil
    try copies.release(slot)
    try copies.copy(block, to: slot)
    state.blocks[slot] = block
    state.isAwaited[slot] = false
    return slot
  }
}
