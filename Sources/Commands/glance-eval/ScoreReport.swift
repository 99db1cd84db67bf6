internal import JSON
internal import PictureBenchmarks
internal import Reports

/// A table of scores as people read it.
struct ScoreReport {
  private let table: ScoreTable

  init(_ table: ScoreTable) { self.table = table }

  /// What is written, by name.
  var files: [(name: String, text: String)] {
    [
      ("scores.json", table.json.text(.pretty) + "\n"), ("scores.csv", csv),
      ("scores.md", markdown),
      ("scores.html", html),
    ]
  }

  /// For a terminal.
  var text: String {
    var text = TextTable([.left, .left] + Array(repeating: .right, count: columns.count - 2))
    text.add(columns.map { SafeText.terminal($0) })
    for row in rows { text.add(row.map { SafeText.terminal($0) }) }
    return text.text() + notes.map { $0 + "\n" }.joined()
  }

  private static let title = "Scores of benchmarks"

  /// Benchmark, measure, then each arm's score, and each but the teacher's as a share of the teacher's.
  private var columns: [String] {
    ["benchmark", "measure"] + table.arms.map(\.name)
      + others.map { "\($0) / \(table.teacher)" } + (published.isEmpty ? [] : ["published"])
  }

  private var others: [String] { table.arms.map(\.name).filter { $0 != table.teacher } }

  private var published: [String] {
    table.measures.compactMap { table.publishedRatio($0)?.name }
  }

  private var rows: [[String]] {
    table.measures.map { measure in
      [measure.benchmark, measure.metric + (measure.isDistance ? " (less is better)" : "")]
        + table.arms.map { arm in number(table.score(arm.name, measure)) }
        + others.map { share(table.ratio($0, measure)) }
        + (published.isEmpty ? [] : [share(table.publishedRatio(measure)?.ratio)])
    }
  }

  private var notes: [String] {
    ["Shares are of the score of '\(table.teacher)'."]
      + Set(published).sorted().map {
        "Published: the share of its own teacher's score that \($0) reports; not measured here."
      }
  }

  private func number(_ value: Double?) -> String {
    value.map { Readable.significant($0, digits: 5) } ?? "-"
  }

  private func share(_ value: Double?) -> String {
    value.map { Readable.fixed(100 * $0, places: 2) + " %" } ?? "-"
  }
}

extension ScoreReport {
  /// Everything with all digits, a line for every arm's score.
  private var csv: String {
    let head = "benchmark,measure,overall,lower_is_better,arm,score,ratio\n"
    return head
      + table.measures.flatMap { measure in
        table.arms.compactMap { arm -> String? in
          guard let score = table.score(arm.name, measure) else { return nil }
          return line(measure, arm.name, "\(score)", table.ratio(arm.name, measure))
        }
          + [table.publishedRatio(measure)].compactMap(\.self).map { published in
            line(measure, "published: \(published.name)", "", published.ratio)
          }
      }.joined()
  }

  private func line(
    _ measure: ScoreTable.Measure, _ arm: String, _ score: String, _ ratio: Double?
  ) -> String {
    [
      SafeText.csvField(measure.benchmark), SafeText.csvField(measure.metric),
      "\(measure.isOverall)", "\(measure.isDistance)", SafeText.csvField(arm), score,
      ratio.map { "\($0)" } ?? "",
    ].joined(separator: ",") + "\n"
  }

  private var markdown: String {
    func row(_ cells: [String]) -> String {
      "| "
        + cells.map { SafeText.terminal($0).replacing("|", with: "\\|") }
        .joined(separator: " | ") + " |\n"
    }
    let rule = columns.indices.map { $0 < 2 ? "---" : "--:" }
    return "# \(Self.title)\n\n" + row(columns) + row(rule) + rows.map(row).joined() + "\n"
      + notes.joined(separator: "\n") + "\n"
  }

  private var html: String {
    var page = HTMLPage(title: Self.title)
    for note in notes { page.addText(note) }
    for benchmark in benchmarks {
      page.addHeading(benchmark)
      page.addTable(
        header: Array(columns.dropFirst()),
        rows: rows.filter { $0[0] == benchmark }.map { Array($0.dropFirst()) })
    }
    return page.text
  }

  private var benchmarks: [String] {
    table.measures.map(\.benchmark).reduce(into: []) { names, name in
      if names.last != name { names.append(name) }
    }
  }
}
