/// Which bytes of a tensor have been written: disjoint ranges in order, joined where they touch.
package struct WrittenRanges: Sendable {
  private var ranges: [Range<Int>] = []

  /// Nothing written yet.
  package init() {}

  /// How many bytes have been written.
  package var byteCount: Int { ranges.reduce(0) { $0 + $1.count } }

  /// Notes bytes as written; writing a byte twice is the caller's mistake.
  package mutating func insert(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    let next = ranges.firstIndex { $0.lowerBound >= range.lowerBound } ?? ranges.count
    let isFree =
      (next == ranges.count || ranges[next].lowerBound >= range.upperBound)
      && (next == 0 || ranges[next - 1].upperBound <= range.lowerBound)
    precondition(isFree, "each byte is written once")
    ranges.insert(range, at: next)
    join(at: next + 1)
    join(at: next)
  }

  /// Joins a range with the one before when they touch.
  private mutating func join(at index: Int) {
    guard index > 0, index < ranges.count,
      ranges[index - 1].upperBound == ranges[index].lowerBound
    else { return }
    ranges[index - 1] = ranges[index - 1].lowerBound..<ranges[index].upperBound
    ranges.remove(at: index)
  }
}
