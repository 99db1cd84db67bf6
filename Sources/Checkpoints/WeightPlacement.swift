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
    guard !layout.rules.isEmpty else {
      return Dictionary(
        modules.compactMap { module in
          guard let rows = module.outFeatures, module.hasParameter(parameter) else { return nil }
          return (
            module.path,
            WeightPlacement(
              names: ["\(module.path).\(parameter)"], firstRow: 0, rowCount: rows,
              swapsHalves: false)
          )
        }, uniquingKeysWith: { first, _ in first })
    }
    var placements: [String: WeightPlacement] = [:]
    for rule in layout.rules {
      for block in blockNumbers(of: rule.parts[0]) {
        let parts = rule.modules.compactMap { module(family.modules[$0], block: block) }
        guard parts.count == rule.parts.count else { continue }
        let path = rule.path.path(block: block)
        var row = 0
        for part in parts {
          guard let rows = part.outFeatures, part.hasParameter(parameter) else { break }
          placements[part.path] = WeightPlacement(
            names: rule.names(ofParameter: parameter).map { "\(path).\($0)" }, firstRow: row,
            rowCount: rows, swapsHalves: rule.swapsHalves)
          row += rows
        }
      }
    }
    return placements
  }
}

extension Architecture.Module {
  fileprivate func hasParameter(_ name: String) -> Bool {
    parameters.contains { $0.name == name }
  }
}
