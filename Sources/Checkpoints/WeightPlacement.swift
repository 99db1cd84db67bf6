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
    let linear = Set(linearModules.map(\.path))
    return placements(of: "weight", in: layout).filter { linear.contains($0.key) }
  }

  /// Where a parameter (`weight`, `bias`) of every module that has it lies in a layout, by the
  /// module's path. Modules whose sizes the dimensions don't tell are left out.
  package func placements(
    of parameter: String, in layout: Layout
  ) -> [String: WeightPlacement] {
    var placements: [String: WeightPlacement] = [:]
    for tensor in layoutTensors(in: layout) where tensor.parameter == parameter {
      for (part, placement) in zip(tensor.parts, tensor.placements) {
        placements[part.module] = placement
      }
    }
    return placements
  }
}
