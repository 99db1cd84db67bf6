/// Sums of numbered values in a tree whose shape depends on their number alone: the left part of a range is the
/// largest power of two that leaves something for the right one. Whoever adds which values, on one process or
/// several, the sum has the same bits; and no more than one value for each level of the tree is held at once.
package struct PairwiseSum<Value> {
  /// The value of a number.
  let value: (Int) throws -> Value
  /// Adds the value of a range to that of the range before it.
  let add: (inout Value, Value) -> Void
  /// Adds the value of a range that another rank has.
  let addFromRank: (inout Value, Int) throws -> Void
  /// Gives the value of a range to another rank.
  let give: (Value, Int) throws -> Void

  /// A sum that ranks share.
  ///
  /// - Parameters:
  ///   - value: the value of a number, one of this rank's own.
  ///   - add: adds the value of a range to that of the range before it.
  ///   - addFromRank: receives the value of a range from a rank and adds it likewise.
  ///   - give: sends the value of a range to a rank.
  package init(
    value: @escaping (Int) throws -> Value, add: @escaping (inout Value, Value) -> Void,
    addFromRank: @escaping (inout Value, Int) throws -> Void,
    give: @escaping (Value, Int) throws -> Void
  ) {
    self.value = value
    self.add = add
    self.addFromRank = addFromRank
    self.give = give
  }

  /// Where a range of several numbers, which begins where a part of a tree does, is divided.
  package static func middle(of range: Range<Int>) -> Int {
    let levels = Int.bitWidth - 1 - (range.count - 1).leadingZeroBitCount
    return range.lowerBound + 1 << levels
  }

  /// How many values are held besides the one that is being computed, at most.
  package static func heldCount(of count: Int) -> Int {
    count < 2 ? 0 : Int.bitWidth - 1 - count.leadingZeroBitCount
  }

  /// The sum over 0, 1 … as far as this rank has a part in it.
  ///
  /// - Parameters:
  ///   - owners: the rank of every number; a rank's numbers stand together.
  ///   - rank: this rank.
  /// - Returns: the sum, on the rank that has number 0; nil on others.
  /// - Throws: what the parts throw.
  package func sum(owners: [Int], rank: Int) throws -> Value? {
    try sum(over: owners.indices, owners, rank)
  }

  private func sum(over range: Range<Int>, _ owners: [Int], _ rank: Int) throws -> Value? {
    guard owners[range].contains(rank) else { return nil }
    guard range.count > 1 else { return try value(range.lowerBound) }
    let middle = Self.middle(of: range)
    var left = try sum(over: range.lowerBound..<middle, owners, rank)
    let right = try sum(over: middle..<range.upperBound, owners, rank)
    let (to, from) = (owners[range.lowerBound], owners[middle])
    if rank == to {
      guard left != nil else { preconditionFailure("the first number's rank has the sum") }
      if let right { add(&left!, right) } else { try addFromRank(&left!, from) }
      return left
    }
    if rank == from, let right { try give(right, to) }
    return nil
  }
}

extension PairwiseSum {
  /// A sum of one process.
  package init(
    value: @escaping (Int) throws -> Value, add: @escaping (inout Value, Value) -> Void
  ) {
    self.init(
      value: value, add: add,
      addFromRank: { _, _ in preconditionFailure("there is no other rank") },
      give: { _, _ in preconditionFailure("there is no other rank") })
  }

  /// The sum over 0, 1 … count - 1, at least one.
  package func sum(count: Int) throws -> Value {
    guard let sum = try sum(owners: Array(repeating: 0, count: count), rank: 0) else {
      preconditionFailure("a sum of nothing")
    }
    return sum
  }
}
