import Failures
import JSON
import MessagePassing
import TestSupport
import Testing

@Suite("Ranks of a run")
struct RanksTests {
  @Test("are given what the first one has, among all or some", arguments: 1...9)
  func broadcast(count: Int) throws {
    let some = Array(stride(from: 0, to: count, by: 2).reversed())
    let results = LocalRanks.run(count) { ranks -> [Int] in
      let value = try ranks.broadcast(ranks.isFirst ? ["a": 17] : nil)
      var bytes = [UInt8](repeating: UInt8(ranks.rank), count: 3)
      try unsafe bytes.withUnsafeMutableBytes { try unsafe ranks.broadcast($0, among: some) }
      return [value["a"]?.integer ?? 0] + bytes.map { Int($0) }
    }
    for (rank, result) in results.enumerated() {
      let source = some.contains(rank) ? some[0] : rank
      #expect(try result.get() == [17, source, source, source])
    }
  }

  private struct Misfit: ClassifiedError, CustomStringConvertible {
    let description: String
    let failureKind = FailureKind.inputMissing
  }

  /// The errors of ranks that make a number, those of a set with an error or another fact.
  private func errors(failing: Set<Int> = [], differing: Set<Int> = []) -> [RankError?] {
    LocalRanks.run(4) { ranks in
      _ = try ranks.together({
        guard !failing.contains(ranks.rank) else {
          throw Misfit(description: "no file \(ranks.rank)")
        }
        return differing.contains(ranks.rank) ? "0.1" : "0.2"
      }) { [RankFact("--rank", "2"), RankFact("--lr", $0)] }
    }.map { result in
      do {
        try result.get()
        return nil
      } catch let error as RankError { return error } catch {
        return .rankFailed(
          rank: 0, host: "itself", detail: "\(error)", kind: .inputMissing)
      }
    }
  }

  @Test("go on together, or none does, and the first one says why")
  func together() {
    #expect(errors() == [nil, nil, nil, nil])
    let dismissed = RankError.dismissed(status: 64)
    #expect(
      errors(differing: [2, 3]) == [
        .differs(rank: 2, host: Ranks.host, what: "--lr", found: "0.1", expected: "0.2"), dismissed,
        dismissed, dismissed,
      ])
    let missing = RankError.dismissed(status: 66)
    #expect(
      errors(failing: [1], differing: [2]) == [
        .rankFailed(rank: 1, host: Ranks.host, detail: "no file 1", kind: .inputMissing), missing,
        missing, missing,
      ])
    #expect(
      errors(failing: [0, 1]) == [
        .rankFailed(rank: 0, host: "itself", detail: "no file 0", kind: .inputMissing), missing,
        missing, missing,
      ])
  }

  @Test("say in one line what is wrong with one of them")
  func described() {
    #expect(
      "\(RankError.differs(rank: 2, host: "b", what: "--lr", found: "0.1", expected: "0.2"))"
        == "rank 2 on b: '--lr' is 0.1, and 0.2 on the first rank; start all ranks with the same program, "
        + "options and data")
  }

  @Test("share pieces of work, the largest first")
  func pieces() {
    // 9 to rank 0; 5 to 1; 4 to 1; 3 to 0 (9 and 9: the lower one); 3 to 1.
    let share = PieceShare(sizes: [3, 9, 4, 5, 3], ranks: 2)
    #expect(share.owners == [0, 0, 1, 1, 1])
    #expect(share.pieces(of: 1) == [2, 3, 4])
    #expect(PieceShare(sizes: [1, 1, 1], ranks: 5).owners == [0, 1, 2])
    #expect(PieceShare(sizes: [], ranks: 2).owners == [])
  }
}
