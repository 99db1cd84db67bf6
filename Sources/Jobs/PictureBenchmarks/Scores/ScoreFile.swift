internal import Files
internal import JSON
internal import SystemPackage

/// A file that a benchmark's scorer wrote, or what it printed.
enum ScoreFile {
  /// Reads scores of a file, whichever benchmark it is of, or of OneIG-Bench's folder of results.
  ///
  /// - Parameters:
  ///   - path: the file or folder.
  ///   - arm: whose scores are wanted, where it has those of several.
  /// - Returns: the scores, in the file's order.
  /// - Throws: ``BenchmarkError`` for a file that is none of scores.
  static func scores(in path: FilePath, arm: String) throws -> [BenchmarkScore] {
    if path.isFolder { return try OneIGScores.scores(inFolder: path, arm: arm) }
    let file = try TextFile(path)
    let text = file.text
    if text.first == "{" { return try scores(ofLines: file) }
    // A table's index column has no name.
    if text.first == "," { return try OneIGScores.scores(in: file, arm: arm) }
    if text.contains(GenEvalScores.overallMark) { return try GenEvalScores.printed(file) }
    if text.contains(DPGScores.overallMark) { return try DPGScores.scores(in: file) }
    if text.contains(LongTextScores.mark) { return try LongTextScores.printed(file) }
    if let scores = try DistanceScores.scores(in: file) { return scores }
    if let scores = try HPSScores.scores(in: file, arm: arm) { return scores }
    throw file.wrong(
      expected: "a benchmark's scores: "
        + BenchmarkLayout.all.map { "\($0.scoreFile) (\($0.title))" }.joined(separator: "; "),
      found: file.excerpt(file.lines.first ?? ""))
  }

  private static func scores(ofLines file: TextFile) throws -> [BenchmarkScore] {
    let objects = try file.objects()
    let first = objects[0].object
    if first["tag"] != nil, first["correct"] != nil {
      return try GenEvalScores.scores(objects, file)
    }
    if first["ocr_gt"] != nil { return try LongTextScores.scores(objects, file) }
    throw file.wrong(
      1, expected: "the keys 'tag' and 'correct' (GenEval) or 'ocr_gt' (LongText-Bench)",
      found: "other keys")
  }
}

extension BenchmarkLayout {
  /// The name of a benchmark for people.
  static func title(_ name: String) -> String {
    named(name)?.title ?? { preconditionFailure("no benchmark '\(name)'") }()
  }
}

extension [Double] {
  /// The sum over the number.
  var mean: Double { reduce(0, +) / Double(count) }
}
