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
    [rowCount] + trailing + Array(repeating: 1, count: onesAtEnd)
  }

  private var rowCount: Int? {
    var sum = 0
    for part in parts {
      guard let count = part.rowCount else { return nil }
      sum += count
    }
    return sum
  }

  /// Columns of a matrix; nil for other tensors, and where the dimensions don't tell.
  package var columns: Int? { trailing.count == 1 ? trailing[0] : nil }

  /// Whether a tensor of this shape fits; makes no list of its own, for it is asked of every tensor.
  func accepts(_ found: [Int]) -> Bool {
    guard found.count == 1 + trailing.count + onesAtEnd else { return false }
    if let rowCount, rowCount != found[0] { return false }
    for (axis, size) in trailing.enumerated() {
      if let size, size != found[1 + axis] { return false }
    }
    return found.suffix(onesAtEnd).allSatisfy { $0 == 1 }
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
    var entries: [LayoutEntry] = []
    guard !layout.rules.isEmpty else {
      for module in modules {
        append(to: &entries, path: module.path, parts: [module]) { [$0] }
      }
      return entries
    }
    for rule in layout.rules {
      let templates = rule.modules.map { family.modules[$0] }
      for block in blockNumbers(of: rule.parts[0]) {
        let parts = templates.compactMap { module($0, block: block) }
        guard parts.count == rule.parts.count else { continue }
        append(
          to: &entries, path: rule.path.path(block: block), parts: parts,
          swapsHalves: rule.swapsHalves, names: rule.names(ofParameter:))
      }
    }
    return entries
  }

  /// Appends the tensors of one module of a layout: to one list, for a checkpoint has thousands.
  private func append(
    to entries: inout [LayoutEntry], path: String, parts: [Module], swapsHalves: Bool = false,
    names: (String) -> [String]
  ) {
    let (first, rows) = (parts[0], parts.map { ($0.path, $0.outFeatures) })
    for (parameter, shape) in first.parameters {
      entries.append(
        LayoutEntry(
          names: names(parameter).map { path + "." + $0 }, parameter: parameter, parts: rows,
          trailing: Array(shape.dropFirst()), onesAtEnd: 0, swapsHalves: swapsHalves,
          isLinear: first.template.kind == .linear, isInBlock: first.template.path.isInBlock))
    }
  }
}
