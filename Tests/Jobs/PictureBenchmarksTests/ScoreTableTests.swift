import JSON
import PictureBenchmarks
import SystemPackage
import TestSupport
import Testing

@Suite("A table of scores")
struct ScoreTableTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ text: String, _ name: String = "scores") throws -> FilePath {
    try folder.write(Array(text.utf8), to: name)
  }

  @Test("ratios to the teacher's, beside the paper's")
  func ratios() throws {
    let table = try ScoreTable(
      [
        ("teacher", file(ScoreTests.genevalResults, "t")),
        ("glance", file(ScoreTests.geneval("colors", "a red kite", true), "g")),
        ("teacher", file("FID: 20\n", "tf")), ("glance", file("FID: 30\n", "gf")),
      ], teacher: "teacher")
    #expect(table.arms.map(\.name) == ["teacher", "glance"])
    let overall = try #require(table.measures.first)
    #expect(table.ratio("glance", overall) == 1.6)
    #expect(table.ratio("teacher", overall) == 1)
    #expect(table.publishedRatio(overall)?.ratio == 0.9671)
    let counting = try #require(table.measures.first { $0.metric == "counting" })
    #expect(table.score("glance", counting) == nil && table.ratio("glance", counting) == nil)
    #expect(table.publishedRatio(counting) == nil)
    let distance = try #require(table.json["scores"]?.array?.last)
    #expect(
      distance == [
        "benchmark": "COCO 2014", "metric": "FID", "overall": true, "lower_is_better": true,
        "values": ["teacher": 20.0, "glance": 30.0], "ratios": ["teacher": 1.0, "glance": 1.5],
      ])
  }

  @Test("the paper's three ratios, and no others")
  func published() {
    let ratios = BenchmarkLayout.all.compactMap { layout in
      layout.published.map { "\(layout.name) \($0.ratio) \($0.name)" }
    }
    #expect(
      ratios == [
        "geneval 0.9671 Glance, arXiv 2512.02899", "hpsv2 0.9967 Glance, arXiv 2512.02899",
        "oneig 0.926 Glance, arXiv 2512.02899",
      ])
  }

  @Test func scoresAreGivenOnce() throws {
    let file = try file("FID: 20\n")
    expectRefusal(
      BenchmarkError.self,
      saying: "\(file): expected scores that 'a' has not yet, found COCO 2014, FID again"
    ) { try ScoreTable([("a", file), ("a", file)], teacher: "a") }
    expectRefusal(
      BenchmarkError.self, saying: "the teacher's name: expected one of the arms (a), found 'b'"
    ) { try ScoreTable([("a", file)], teacher: "b") }
  }
}
