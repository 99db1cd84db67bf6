/// Possible merges of a word, the lowest rank first and of those the leftmost: a binary heap.
struct MergeQueue {
  /// Rank in the upper half, position in the lower: the order of the numbers is the order wanted.
  private var heap: [UInt64] = []

  /// Adds the merge of the symbol at a position with its right neighbour.
  mutating func insert(rank: UInt32, position: UInt32) {
    heap.append(UInt64(rank) << 32 | UInt64(position))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child] < heap[parent] else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Removes and returns the first merge; nil when there is none.
  mutating func popFirst() -> (rank: UInt32, position: UInt32)? {
    guard let last = heap.popLast() else { return nil }
    guard let first = heap.first else { return MergeQueue.entry(last) }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < heap[parent] else { break }
      heap.swapAt(child, parent)
      parent = child
    }
    return MergeQueue.entry(first)
  }

  private static func entry(_ value: UInt64) -> (rank: UInt32, position: UInt32) {
    (UInt32(value >> 32), UInt32(truncatingIfNeeded: value))
  }
}
