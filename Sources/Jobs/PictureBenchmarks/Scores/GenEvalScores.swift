internal import JSON

/// GenEval's results: of every picture, or the summary.
///
/// **Source:** djghosh13/geneval, `evaluation/evaluate_images.py`, `evaluate_image`: `tag`, `correct`,
/// `metadata`; `evaluation/summary_scores.py`: the overall score is the mean of the tasks' means, not of
/// the pictures.
enum GenEvalScores {
  static let overallMark = "Overall score (avg. over tasks):"
  private static let title = BenchmarkLayout.title("geneval")

  static func scores(
    _ objects: [(line: Int, text: String, object: JSONValue)], _ file: TextFile
  ) throws -> [BenchmarkScore] {
    var tasks: [(tag: String, right: Int, count: Int)] = []
    var prompts: [String: Bool] = [:]
    for (line, _, object) in objects {
      guard let tag = object["tag"]?.string, let isRight = object["correct"]?.bool,
        let metadata = object["metadata"]?.string
      else {
        throw file.wrong(
          line, expected: "texts 'tag' and 'metadata' and true or false as 'correct'",
          found: "a line without")
      }
      let place = tasks.firstIndex { $0.tag == tag } ?? tasks.count
      if place == tasks.count { tasks.append((tag, 0, 0)) }
      tasks[place].count += 1
      if isRight { tasks[place].right += 1 }
      prompts[metadata] = prompts[metadata] == true || isRight
    }
    let shares = tasks.map { ($0.tag, Double($0.right) / Double($0.count)) }
    return all(
      overall: shares.map(\.1).mean, tasks: shares,
      images: (tasks.reduce(0) { $0 + $1.right }, objects.count),
      prompts: Double(prompts.values.count { $0 }) / Double(prompts.count))
  }

  /// What `summary_scores.py` prints: `color_attr       = 45.50% (182 / 400)`.
  static func printed(_ file: TextFile) throws -> [BenchmarkScore] {
    var tasks: [(String, Double)] = []
    var (right, count) = (0, 0)
    var overall: Double?
    for (index, line) in file.lines.enumerated() {
      if let mark = line.firstRange(of: overallMark) {
        overall = try file.number(line[mark.upperBound...], index + 1)
      }
      let words = line.split { $0 == " " || $0 == "(" || $0 == ")" }
      guard words.count == 6, words[1] == "=", words[4] == "/" else { continue }
      guard let part = Int(words[3]), let whole = Int(words[5]), (0...whole) ~= part, whole > 0
      else {
        throw file.wrong(
          index + 1, expected: "counts such as (182 / 400)", found: file.excerpt(line))
      }
      tasks.append((String(words[0]), Double(part) / Double(whole)))
      right += part
      count += whole
    }
    guard let overall, count > 0 else {
      throw file.wrong(expected: "a line for every task", found: "none")
    }
    // Five digits are printed; the counts have all.
    let mean = tasks.map(\.1).mean
    guard abs(mean - overall) < 0.00001 else {
      throw file.wrong(
        expected: "the mean of the tasks, \(mean), as '\(overallMark)'", found: "\(overall)")
    }
    return all(overall: mean, tasks: tasks, images: (right, count), prompts: nil)
  }

  private static func all(
    overall: Double, tasks: [(String, Double)], images: (right: Int, count: Int), prompts: Double?
  ) -> [BenchmarkScore] {
    [BenchmarkScore(title, "overall", overall, isOverall: true)]
      + tasks.map { BenchmarkScore(title, $0.0, $0.1) }
      + [
        BenchmarkScore(title, "correct images", Double(images.right) / Double(images.count)),
        BenchmarkScore(title, "images", Double(images.count)),
      ] + (prompts.map { [BenchmarkScore(title, "correct prompts", $0)] } ?? [])
  }
}
