import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("glance-eval import", .serialized)
struct ImportCommandTests {
  private let folder: TemporaryFolder
  private let eval = BuiltCommand("glance-eval")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func text(_ name: String) throws -> String {
    try Fixtures.text(folder.path.appending(name))
  }

  /// HPSv2's and DPG-Bench's scores of two arms.
  private func arguments() throws -> [String] {
    for (name, text) in [
      ("t.txt", "teacher photo           32.00 \t 0.2000\nteacher Average         32.00 \t\n"),
      ("g.txt", "glance photo           30.00 \t 0.2000\nglance Average         30.00 \t\n"),
      ("td.txt", "DPG-Bench score: 80\n"), ("gd.txt", "DPG-Bench score: 60.5\n"),
    ] { try folder.write(Array(text.utf8), to: name) }
    return [
      "import", "teacher=" + path("t.txt"), "glance=" + path("g.txt"), "teacher=" + path("td.txt"),
      "glance=" + path("gd.txt"),
    ]
  }

  @Test("prints and writes one table, with shares of the teacher's and the paper's")
  func tables() throws {
    let outcome = try eval.run(arguments() + ["--output", path("scores")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output == """
        benchmark  measure  teacher  glance  glance / teacher  published
        HPSv2      average       32      30           93.75 %    99.67 %
        HPSv2      photo         32      30           93.75 %          -
        DPG-Bench  overall       80    60.5           75.62 %          -
        Shares are of the score of 'teacher'.
        Published: the share of its own teacher's score that Glance, arXiv 2512.02899 reports; not \
        measured here.

        """)
    #expect(
      try text("scores/scores.csv") == """
        benchmark,measure,overall,lower_is_better,arm,score,ratio
        HPSv2,average,true,false,teacher,32.0,1.0
        HPSv2,average,true,false,glance,30.0,0.9375
        HPSv2,average,true,false,"published: Glance, arXiv 2512.02899",,0.9967
        HPSv2,photo,false,false,teacher,32.0,1.0
        HPSv2,photo,false,false,glance,30.0,0.9375
        DPG-Bench,overall,true,false,teacher,80.0,1.0
        DPG-Bench,overall,true,false,glance,60.5,0.75625

        """)
    #expect(
      try text("scores/scores.md").contains(
        "| HPSv2 | average | 32 | 30 | 93.75 % | 99.67 % |\n"))
    let json = try JSONValue(parsing: text("scores/scores.json"))
    #expect(json["format"] == "glance-scores/1")
    #expect(json["arms"] == ["teacher", "glance"])
    #expect(json["scores"]?.array?[0]["published"]?["ratio"] == 0.9967)
    let page = try text("scores/scores.html")
    #expect(
      page.contains("<h2>DPG-Bench</h2>") && page.contains("<td class=\"number\">75.62 %</td>"))
  }

  @Test func outputsAreNotReplacedUnasked() throws {
    let line = try arguments() + ["--output", path("scores")]
    #expect(try eval.run(line).status == 0)
    #expect(try eval.run(line).status == 73)
    #expect(try eval.run(line + ["--force"]).status == 0)
  }

  @Test func wrongArguments() throws {
    _ = try arguments()
    let noName = try eval.run(["import", path("t.txt")])
    #expect(noName.status == 64)
    #expect(
      noName.errors.contains(
        "expected NAME=FILE, such as teacher=results.jsonl, found '\(path("t.txt"))'"))
    let noTeacher = try eval.run(["import", "glance=" + path("g.txt")])
    #expect(noTeacher.status == 64)
    #expect(
      noTeacher.errors.hasSuffix(
        "the teacher's name: expected one of the arms (glance), found 'teacher'\n"))
    let missing = try eval.run(["import", "teacher=" + path("none")])
    #expect(missing.status == 66)
    #expect(missing.errors.hasSuffix("\(path("none")): cannot read: No such file or directory\n"))
  }
}
