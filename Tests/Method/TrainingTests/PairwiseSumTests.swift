import Testing
import Training

@Suite("A sum in the tree of its numbers")
struct PairwiseSumTests {
  /// Numbers whose sums are rounded, so that another order has other bits.
  private func value(_ index: Int) -> Float { 1 / Float(3 * index + 1) }

  /// The same tree in other words: sums of as many numbers are added as they come, as a counter carries; at the
  /// end the later ones are added to the earlier ones.
  private func carried(_ count: Int) -> Float {
    var sums: [(count: Int, value: Float)] = []
    for index in 0..<count {
      sums.append((1, value(index)))
      while sums.count > 1, sums[sums.count - 2].count == sums[sums.count - 1].count {
        let last = sums.removeLast()
        sums[sums.count - 1].count += last.count
        sums[sums.count - 1].value += last.value
      }
    }
    while sums.count > 1 {
      let last = sums.removeLast()
      sums[sums.count - 1].value += last.value
    }
    return sums[0].value
  }

  @Test("adds neighbours first: ((0 + 1) + (2 + 3)) + 4")
  func shape() throws {
    let sum = PairwiseSum<String>(value: { "\($0)" }, add: { $0 = "(\($0)+\($1))" })
    #expect(try sum.sum(count: 1) == "0")
    #expect(try sum.sum(count: 3) == "((0+1)+2)")
    #expect(try sum.sum(count: 5) == "(((0+1)+(2+3))+4)")
    #expect(try sum.sum(count: 7) == "(((0+1)+(2+3))+((4+5)+6))")
  }

  @Test("is that of a counter's carries, and within rounding the plain one", arguments: 1...17)
  func oneProcess(count: Int) throws {
    let sum = try PairwiseSum<Float>(value: value, add: { $0 += $1 }).sum(count: count)
    #expect(sum == carried(count))
    let plain = (0..<count).reduce(0.0) { $0 + 1 / Double(3 * $1 + 1) }
    // At most five roundings above a number.
    #expect(abs(Double(sum) - plain) <= 6 * 6e-8 * plain)
  }

  @Test("has the same bits for every split of its numbers", arguments: 1...17)
  func everySplit(count: Int) throws {
    let expected = carried(count)
    for cuts in 0..<1 << (count - 1) {
      var owners = [0]
      for index in 1..<max(1, count) {
        owners.append(owners[index - 1] + (cuts >> (index - 1) & 1))
      }
      // Ranks give to lower ones only, so that the highest may go first.
      var post: [[Int]: [Float]] = [:]
      var result: Float?
      for rank in (0...owners[count - 1]).reversed() {
        result = try PairwiseSum<Float>(
          value: { index in
            precondition(owners[index] == rank, "a number of another rank")
            return value(index)
          }, add: { $0 += $1 },
          addFromRank: { $0 += post[[$1, rank]]!.removeFirst() },
          give: { post[[rank, $1], default: []].append($0) }
        ).sum(owners: owners, rank: rank)
        precondition((result != nil) == (rank == 0), "the first rank has the sum")
      }
      guard result == expected, post.values.allSatisfy(\.isEmpty) else {
        Issue.record("owners \(owners): \(result ?? .nan) in place of \(expected)")
        return
      }
    }
  }

  @Test("holds one value a level")
  func held() throws {
    for count in 1...40 {
      var (held, most) = (0, 0)
      let sum = PairwiseSum<Int>(
        value: { _ in
          most = max(most, held)
          held += 1
          return 1
        },
        add: {
          held -= 1
          $0 += $1
        })
      #expect(try sum.sum(count: count) == count)
      #expect(most == PairwiseSum<Int>.heldCount(of: count))
    }
  }
}

@Suite("A step's share")
struct StepShareTests {
  @Test("is even, and the first rank has the first item")
  func even() {
    #expect(StepShare(experts: 1, batch: 5, ranks: 3).owners == [[0, 1, 1, 2, 2]])
    #expect(StepShare(experts: 1, batch: 2, ranks: 4).owners == [[0, 1]])
    #expect(StepShare(experts: 2, batch: 1, ranks: 2).owners == [[0], [1]])
    #expect(StepShare(experts: 2, batch: 3, ranks: 4).owners == [[0, 1, 1], [2, 3, 3]])
    let share = StepShare(experts: 1, batch: 2, ranks: 4)
    #expect(share.busyCount == 2 && share.largestCount == 1)
    for (batch, ranks) in [(1, 1), (7, 3), (64, 9), (4096, 64)] {
      let share = StepShare(experts: 1, batch: batch, ranks: ranks)
      #expect(share.owners[0].first == 0)
      #expect(share.busyCount == ranks)
      #expect(share.largestCount == (batch + ranks - 1) / ranks)
    }
  }
}
