/// Where the weight of a canonical module lies in a checkpoint of some layout.
public struct WeightPlacement: Sendable, Equatable {
  /// Names of the tensor after the layout's prefix: the one to look for first, then others.
  public let names: [String]
  /// The tensor's first row that belongs to the module.
  public let firstRow: Int
  /// Rows of the module.
  public let rowCount: Int
  /// Whether the two halves of the module's rows stand in the other order there.
  public let swapsHalves: Bool

  /// The runs of rows that stay together: module rows, and the tensor row that the first of them
  /// becomes.
  public var runs: [(module: Range<Int>, tensorRow: Int)] {
    guard swapsHalves else { return [(0..<rowCount, firstRow)] }
    let half = rowCount / 2
    return [(0..<half, firstRow + half), (half..<rowCount, firstRow)]
  }
}

extension Architecture {
  /// Where every linear module's weight lies in a layout, by the module's path. Modules whose sizes
  /// the dimensions don't tell are left out.
  public func weightPlacements(in layout: Layout) -> [String: WeightPlacement] {
    let paths = TensorIndex(linearModules.lazy.map { $0.path + ".weight" })
    var placements: [String: WeightPlacement] = [:]
    for (tensor, placement) in parameterPlacements(in: layout) where paths[tensor] != nil {
      placements[String(tensor.dropLast(".weight".count))] = placement
    }
    return placements
  }
}
