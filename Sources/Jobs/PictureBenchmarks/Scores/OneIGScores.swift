internal import Files
internal import SystemPackage

/// OneIG-Bench's tables, one for each dimension, with a row for every model.
///
/// **Source:** OneIG-Bench/OneIG-Benchmark, `scripts/*/*_score.py` and `scripts/utils/utils.py`,
/// `save2csv`: the first column has no name and holds the models; `results/DIMENSION_score_MODE_TIME.csv`.
/// The benchmark prints no score of all dimensions; papers quote their mean.
enum OneIGScores {
  /// A dimension: its name, and the column of its score. The diversity's other columns are of groups of
  /// prompts, the text's others of what its score is made from.
  private static let dimensions = [
    ("alignment", "alignment"), ("text", "text score"), ("reasoning", "reasoning"),
    ("style", "style"), ("diversity", "total average"),
  ]

  /// The scores of a model in one table.
  static func scores(in file: TextFile, arm: String) throws -> [BenchmarkScore] {
    let table = try CommaSeparated(file)
    guard
      let (dimension, name) = dimensions.first(where: { table.header.dropFirst().contains($0.1) })
    else {
      throw file.wrong(
        1, expected: "a column " + dimensions.map(\.1).joined(separator: ", "),
        found: file.excerpt(table.header.dropFirst().joined(separator: ",")))
    }
    guard
      let row = table.rows.first(where: { $0.cells[0] == arm })
        ?? (table.rows.count == 1 ? table.rows[0] : nil)
    else {
      throw file.wrong(
        expected: "a row of '\(arm)', or of one model",
        found: "those of " + table.rows.map(\.cells[0]).joined(separator: ", "))
    }
    var scores: [BenchmarkScore] = []
    for (column, cell) in zip(table.header, row.cells).dropFirst() {
      // A group of prompts without pictures has no mean.
      if cell.isEmpty, column != name { continue }
      let value = try file.number(cell, row.line)
      let metric = column == name ? dimension : "\(dimension), \(column)"
      // The edit distance is the one of these that should be small.
      scores.append(
        BenchmarkScore(title(file.path), metric, value, isDistance: column == "ED"))
    }
    return scores
  }

  /// The scores of a model in a folder of results.
  static func scores(inFolder folder: FilePath, arm: String) throws -> [BenchmarkScore] {
    let names = (folderNames(folder) ?? []).filter { name in
      name.hasSuffix(".csv") && !name.contains("_prompt_score_")
        && !name.contains("style_style_score_") && name.contains("_score_")
    }
    guard !names.isEmpty else {
      throw BenchmarkError.wrong(
        file: folder, expected: "OneIG-Bench's results (alignment_score_EN_….csv and others)",
        found: "none")
    }
    var kinds: [String: String] = [:]
    for name in names {
      // DIMENSION_score_MODE, before the time.
      let kind = name.split(separator: "_").prefix(3).joined(separator: "_")
      if let other = kinds[kind] {
        throw BenchmarkError.wrong(
          file: folder, expected: "one table for each dimension", found: "\(other) and \(name)")
      }
      kinds[kind] = name
    }
    return try names.flatMap { try scores(in: TextFile(folder.appending($0)), arm: arm) }
  }

  /// The mean of all dimensions, where all are there, for each language.
  static func overall(of scores: [BenchmarkScore]) -> [BenchmarkScore] {
    ["", " ZH"].compactMap { language in
      let title = BenchmarkLayout.title("oneig") + language
      let own = dimensions.compactMap { dimension in
        scores.first { $0.benchmark == title && $0.metric == dimension.0 }?.value
      }
      return own.count < dimensions.count
        ? nil : BenchmarkScore(title, "overall", own.mean, isOverall: true)
    }
  }

  /// The benchmark in the language that a table's name tells.
  private static func title(_ path: FilePath) -> String {
    let isChinese = path.lastComponent?.string.contains("_ZH_") ?? false
    return BenchmarkLayout.title("oneig") + (isChinese ? " ZH" : "")
  }
}
