/// One contender over all comparisons of a group.
public struct Summary: Sendable {
  /// The group.
  public let group: String
  /// The contender.
  public let name: String
  /// Its median rate, where work is counted in operations.
  public let rate: Double?
  /// Its median ratio to the reference.
  public let ratio: Double
  /// The smallest ratio.
  public let smallest: Double
  /// The largest.
  public let largest: Double

  /// The summaries of all groups of several comparisons, in their order.
  public static func all(of comparisons: [Comparison]) -> [Summary] {
    comparisons.inGroups.filter { $0.count > 1 }.flatMap { group in
      group[0].timings.indices.map { index in
        let rates = group.compactMap { $0.timings[index].rate }
        let ratios = group.map { $0.ratio($0.timings[index]) }
        return Summary(
          group: group[0].group, name: group[0].timings[index].name,
          rate: rates.isEmpty ? nil : rates.median, ratio: ratios.median,
          smallest: ratios.min() ?? .nan, largest: ratios.max() ?? .nan)
      }
    }
  }
}

extension [Comparison] {
  /// Those that follow each other in a group, and compare the same contenders.
  public var inGroups: [[Comparison]] {
    reduce(into: []) { groups, comparison in
      let last = groups.last?.last
      if last?.group == comparison.group,
        last?.timings.map(\.name) == comparison.timings.map(\.name)
      {
        groups[groups.count - 1].append(comparison)
      } else {
        groups.append([comparison])
      }
    }
  }
}
