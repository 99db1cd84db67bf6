/// Which rank does which of some pieces of work, each whole: the largest first, each for the rank that has least
/// until then. The same on every rank.
public struct PieceShare: Sendable, Equatable {
  /// The rank of every piece.
  public let owners: [Int]

  /// The share of pieces of these sizes.
  public init(sizes: [Double], ranks: Int) {
    var owners = Array(repeating: 0, count: sizes.count)
    var loads = Array(repeating: 0.0, count: ranks)
    // Of equal ones the first in their order, so that there is one outcome.
    let order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    for piece in order {
      let rank = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
      owners[piece] = rank
      loads[rank] += sizes[piece]
    }
    self.owners = owners
  }

  /// The pieces of a rank, in order.
  public func pieces(of rank: Int) -> [Int] { owners.indices.filter { owners[$0] == rank } }
}
