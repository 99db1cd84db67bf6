/// What HPSv2 prints: model, style, mean and deviation; model, `Average` and mean.
///
/// **Source:** tgxs002/HPSv2, `hpsv2/evaluation.py`, `evaluate_benchmark` and `evaluate_benchmark_all`,
/// which write no file. A model is the last part of its folder's path, so nothing where that ends in a
/// slash; the average is of all pictures that are there, and a line tells of each that isn't.
enum HPSScores {
  private typealias Line = (number: Int, model: String, style: String, score: Double)
  private static let title = BenchmarkLayout.title("hpsv2")
  private static let average = "Average"

  /// The scores of an arm; nil when the text isn't HPSv2's.
  static func scores(in file: TextFile, arm: String) throws -> [BenchmarkScore]? {
    let found = file.lines.enumerated().compactMap { line($0 + 1, $1) }
    let averages = found.filter { $0.style == average }
    guard !averages.isEmpty else { return nil }
    let models = averages.map(\.model)
    guard let model = models.first(where: { $0 == arm }) ?? (models.count == 1 ? models[0] : nil)
    else {
      throw file.wrong(
        expected: "scores of '\(arm)', or of one model",
        found: "those of " + models.joined(separator: ", "))
    }
    let own = found.filter { $0.model == model }
    if let again = own.dropFirst().first(where: { line in
      own.contains { $0.style == line.style && $0.number < line.number }
    }) {
      throw file.wrong(
        again.number, expected: "one run's scores", found: "'\(again.style)' a second time")
    }
    let missing = file.lines.count { $0.hasPrefix("missing image for prompt:") }
    return own.map {
      BenchmarkScore(
        title, $0.style == average ? "average" : $0.style, $0.score,
        isOverall: $0.style == average)
    }
      + (missing == 0
        ? [] : [BenchmarkScore(title, "missing images", Double(missing), isDistance: true)])
  }

  private static func line(_ number: Int, _ line: Substring) -> Line? {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    // The average has no deviation after it.
    let isAverage = words.dropLast().last == average
    let numbers = isAverage ? 1 : 2
    guard words.count > numbers, words.count <= numbers + 2,
      let score = Double(words[words.count - numbers]), Double(words[words.count - 1]) != nil
    else { return nil }
    let names = words.dropLast(numbers)
    return (number, names.count > 1 ? names[0] : "", names[names.count - 1], score)
  }
}
