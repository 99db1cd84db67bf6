internal import Text

/// DPG-Bench's results, of 100.
///
/// **Source:** TencentQQGYLab/ELLA, `dpg_bench/compute_dpg_bench.py`, `main`: a line a picture, then
/// `L1 category scores:`, `L2 category scores:` with a tab before each, and the score.
enum DPGScores {
  static let overallMark = "DPG-Bench score:"
  private static let title = BenchmarkLayout.title("dpg")

  static func scores(in file: TextFile) throws -> [BenchmarkScore] {
    guard let overall = try file.number(after: overallMark) else { return [] }
    var scores = [BenchmarkScore(title, "overall", overall, isOverall: true)]
    var isInside = false
    for (index, line) in file.lines.enumerated() {
      if line.hasSuffix(" category scores:") { isInside = line.hasPrefix("L1") }
      guard isInside, line.first == "\t", let colon = line.lastIndex(of: ":") else { continue }
      scores.append(
        BenchmarkScore(
          title, line[..<colon].trimmed,
          try file.number(line[line.index(after: colon)...], index + 1)))
    }
    return scores
  }
}
