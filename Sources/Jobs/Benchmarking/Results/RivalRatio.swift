/// One of ours against one rival, over all comparisons of a group.
public struct RivalRatio: Sendable {
  /// The group.
  public let group: String
  /// Ours.
  public let name: String
  /// The rival.
  public let rival: String
  /// Ours over the rival's, by what the comparisons are about: the median.
  public let ratio: Double
  /// The smallest.
  public let smallest: Double
  /// The largest.
  public let largest: Double
  /// Our seconds over the rival's, as the clock has them: the median.
  public let seconds: Double

  /// Those of all groups of several comparisons, in their order. What all are held against is neither.
  public static func all(of comparisons: [Comparison]) -> [RivalRatio] {
    comparisons.inGroups.flatMap { group in
      let contenders = group[0].timings.indices.dropLast()
      let isRival = { group[0].timings[$0].isRival }
      return contenders.filter { !isRival($0) }.flatMap { ours in
        contenders.filter(isRival).map { RivalRatio(group, ours, $0) }
      }
    }
  }

  private init(_ group: [Comparison], _ ours: Int, _ rival: Int) {
    let ratios = group.map { $0.ratio($0.timings[ours]) / $0.ratio($0.timings[rival]) }
    self.group = group[0].group
    name = group[0].timings[ours].name
    self.rival = group[0].timings[rival].name
    ratio = ratios.median
    smallest = ratios.min() ?? .nan
    largest = ratios.max() ?? .nan
    seconds = group.map { $0.timings[ours].wall / $0.timings[rival].wall }.median
  }
}
