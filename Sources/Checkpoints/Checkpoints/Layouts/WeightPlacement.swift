/// Where a parameter of a canonical module lies in a checkpoint of some layout.
public struct WeightPlacement: Sendable, Equatable {
  /// Names of the tensor after the layout's prefix: the one to look for first, then others.
  public let names: [String]
  /// The tensor's first row that belongs to the module.
  public let firstRow: Int
  /// Rows of the module.
  public let rowCount: Int
  /// Whether the two halves of the module's rows stand in the other order there.
  public let swapsHalves: Bool

  /// A placement; rows whose halves change places are an even number.
  package init(names: [String], firstRow: Int, rowCount: Int, swapsHalves: Bool) {
    self.names = names
    self.firstRow = firstRow
    self.rowCount = rowCount
    self.swapsHalves = swapsHalves
  }

  /// The runs of rows that stay together: module rows, and the tensor row that the first of them
  /// becomes.
  public var runs: [(module: Range<Int>, tensorRow: Int)] {
    guard swapsHalves else { return [(0..<rowCount, firstRow)] }
    let half = rowCount / 2
    return [(0..<half, firstRow + half), (half..<rowCount, firstRow)]
  }
}
