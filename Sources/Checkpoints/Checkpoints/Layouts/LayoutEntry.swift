/// A tensor that a model has under the names of a layout, and the canonical parameters whose rows it
/// holds.
public struct LayoutEntry: Sendable {
  /// Names after the prefix: the one to write first, then others that are read.
  public let names: [String]
  /// What it is of each part: `weight`, `bias` or `gamma`.
  package let parameter: String
  /// The canonical modules whose rows stand one below the other, in this order.
  package let parts: [(module: String, rowCount: Int?)]
  /// Sizes of the axes after the rows, as the canonical layout has them; nil for one that the dimensions
  /// don't tell.
  package let trailing: [Int?]
  /// Axes of length one at the end, which the canonical layout doesn't have.
  package let onesAtEnd: Int
  /// Whether the two halves of its only part stand in the other order.
  package let swapsHalves: Bool
  /// Whether the parts are modules that multiply by a matrix.
  package let isLinear: Bool
  /// Whether they are in a numbered block.
  package let isInBlock: Bool

  /// Sizes; nil for one that the dimensions don't tell.
  public var shape: [Int?] {
    let rows = parts.reduce(Int?(0)) { sum, part in
      sum.flatMap { sum in part.rowCount.map { sum + $0 } }
    }
    return [rows] + trailing + Array(repeating: 1, count: onesAtEnd)
  }

  /// Columns of a matrix; nil for other tensors, and where the dimensions don't tell.
  package var columns: Int? { trailing.count == 1 ? trailing[0] : nil }

  func accepts(_ found: [Int]) -> Bool {
    found.count == shape.count && zip(shape, found).allSatisfy { $0 == nil || $0 == $1 }
  }

  /// Whether this is a matrix that multiplies: what an adapter changes and what is quantised.
  package var isLinearWeight: Bool { isLinear && parameter == "weight" }

  /// Whether its first axis is some module's alone.
  package var isOfOneModule: Bool { parts.count == 1 }

  /// Canonical names of the parameters of its parts: `proj_out.weight`.
  package var parameters: [String] { parts.map { "\($0.module).\(parameter)" } }

  /// Whether it holds rows of any of some parameters, by their canonical names.
  package func holdsAny(of names: Set<String>) -> Bool {
    parameters.contains(where: names.contains)
  }

  /// Where each part lies; parts after one of unknown size are left out.
  package var placements: [WeightPlacement] {
    var row = 0
    var placements: [WeightPlacement] = []
    for part in parts {
      guard let count = part.rowCount else { break }
      placements.append(
        WeightPlacement(
          names: names, firstRow: row, rowCount: count, swapsHalves: swapsHalves))
      row += count
    }
    return placements
  }
}

extension Architecture {
  /// Every tensor of this model under the names of a layout, in the layout's order.
  public func entries(in layout: Layout) -> [LayoutEntry] {
    guard !layout.rules.isEmpty else {
      return modules.flatMap { module in
        entries(path: module.path, parts: [module], swapsHalves: false) { [$0] }
      }
    }
    return layout.rules.flatMap { rule in
      blockNumbers(of: rule.parts[0]).flatMap { block -> [LayoutEntry] in
        let parts = rule.modules.compactMap { module(family.modules[$0], block: block) }
        guard parts.count == rule.parts.count else { return [] }
        return entries(
          path: rule.path.path(block: block), parts: parts, swapsHalves: rule.swapsHalves,
          names: rule.names(ofParameter:))
      }
    }
  }

  private func entries(
    path: String, parts: [Module], swapsHalves: Bool, names: (String) -> [String]
  ) -> [LayoutEntry] {
    parts[0].parameters.map { parameter, shape in
      LayoutEntry(
        names: names(parameter).map { "\(path).\($0)" }, parameter: parameter,
        parts: parts.map { ($0.path, $0.outFeatures) },
        trailing: Array(shape.dropFirst()), onesAtEnd: 0, swapsHalves: swapsHalves,
        isLinear: parts[0].template.kind == .linear,
        isInBlock: parts[0].template.path.isInBlock)
    }
  }
}
