extension Architecture {
  /// Where every parameter of every module lies in a layout, in the layout's order: the canonical
  /// name of the tensor, such as `proj_out.bias`, and its rows. Modules whose sizes the dimensions
  /// don't tell are left out.
  public func parameterPlacements(
    in layout: Layout
  ) -> [(tensor: String, placement: WeightPlacement)] {
    guard !layout.rules.isEmpty else {
      return modules.flatMap { module in
        module.parameters.compactMap { name, _ in
          module.outFeatures.map { rows in
            let tensor = "\(module.path).\(name)"
            return (
              tensor,
              WeightPlacement(names: [tensor], firstRow: 0, rowCount: rows, swapsHalves: false)
            )
          }
        }
      }
    }
    return layout.rules.flatMap { rule in
      blockNumbers(of: rule.parts[0]).flatMap { placements(of: rule, block: $0) }
    }
  }

  private func placements(
    of rule: Layout.Rule, block: Int
  ) -> [(tensor: String, placement: WeightPlacement)] {
    let parts = rule.modules.compactMap { module(family.modules[$0], block: block) }
    guard parts.count == rule.parts.count else { return [] }
    let path = rule.path.path(block: block)
    var placements: [(tensor: String, placement: WeightPlacement)] = []
    var row = 0
    for part in parts {
      guard let rows = part.outFeatures else { break }
      for (name, _) in part.parameters {
        placements.append(
          (
            "\(part.path).\(name)",
            WeightPlacement(
              names: rule.names(ofParameter: name).map { "\(path).\($0)" }, firstRow: row,
              rowCount: rows, swapsHalves: rule.swapsHalves)
          ))
      }
      row += rows
    }
    return placements
  }
}
