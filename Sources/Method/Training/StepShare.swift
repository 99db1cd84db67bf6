/// Which rank computes which items of a step: neighbours on one rank, as many on each as can be; the first rank has
/// the first item, and ranks beyond the number of items have none.
public struct StepShare: Sendable, Equatable {
  /// The rank of every item, of each expert that takes the step.
  public let owners: [[Int]]

  /// The share of a step.
  ///
  /// - Parameters:
  ///   - experts: how many take the step at once.
  ///   - batch: items of each.
  ///   - ranks: how many there are.
  public init(experts: Int, batch: Int, ranks: Int) {
    let count = experts * batch
    let busy = min(ranks, count)
    let all = (0..<busy).flatMap { rank in
      Array(repeating: rank, count: (rank + 1) * count / busy - rank * count / busy)
    }
    owners = (0..<experts).map { Array(all[$0 * batch..<($0 + 1) * batch]) }
  }

  /// Ranks that have an item.
  public var busyCount: Int { (owners.last?.last ?? -1) + 1 }

  /// The most items of a rank.
  public var largestCount: Int {
    let all = owners.flatMap(\.self)
    return (0..<busyCount).map { rank in all.count { $0 == rank } }.max() ?? 0
  }

  /// The ranks that have items of an expert; the first rank, which has its factors, before them.
  func ranks(of expert: Int) -> [Int] {
    let owners = owners[expert]
    guard let first = owners.first, let last = owners.last else { return [0] }
    return (first == 0 ? [] : [0]) + Array(first...last)
  }
}
