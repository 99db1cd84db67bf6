internal import JSON

/// LongText-Bench's score: the share of the words asked for that were read in the pictures.
///
/// **Source:** X-Omni-Team/X-Omni, `textbench/summary_scores.py`: the sum of `match_word_count` over the
/// sum of `gt_word_count`, and `Text Score: ` with four digits in scores.txt.
enum LongTextScores {
  static let mark = "Text Score:"
  private static let title = BenchmarkLayout.title("longtext")

  static func scores(
    _ objects: [(line: Int, text: String, object: JSONValue)], _ file: TextFile
  ) throws -> [BenchmarkScore] {
    var (matched, asked) = (0, 0)
    for (line, _, object) in objects {
      guard let part = object["match_word_count"]?.integer,
        let whole = object["gt_word_count"]?.integer, (0...whole) ~= part
      else {
        throw file.wrong(
          line,
          expected: "'match_word_count' and 'gt_word_count', which summary_scores.py adds",
          found: "a line without")
      }
      matched += part
      asked += whole
    }
    guard asked > 0 else {
      throw file.wrong(expected: "words that were asked for", found: "none")
    }
    return [score(Double(matched) / Double(asked))]
  }

  static func printed(_ file: TextFile) throws -> [BenchmarkScore] {
    try file.number(after: mark).map { [score($0)] } ?? []
  }

  private static func score(_ value: Double) -> BenchmarkScore {
    BenchmarkScore(title, "text score", value, isOverall: true)
  }
}
