/// A histogram in a line of text: one character a bin.
public enum HistogramBars {
  /// Bars whose heights are the counts, the highest as high as a line.
  ///
  /// - Parameters:
  ///   - counts: of the bins.
  ///   - unicode: whether block elements can be shown; else ASCII characters of growing weight.
  /// - Returns: the bars between brackets; a space for a bin without anything.
  public static func text(_ counts: [Int], unicode: Bool) -> String {
    let levels = Array(unicode ? "▁▂▃▄▅▆▇█" : ".:-=+*#@")
    let most = counts.max() ?? 0
    let bars = counts.map { count -> Character in
      guard count > 0, most > 0 else { return " " }
      let level = Int(Double(count) / Double(most) * Double(levels.count))
      return levels[min(level, levels.count - 1)]
    }
    return "[\(String(bars))]"
  }
}
