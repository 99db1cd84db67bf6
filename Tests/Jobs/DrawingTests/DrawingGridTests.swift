import Drawing
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("The labels of a grid")
struct DrawingGridTests {
  private static func labels(
    _ prompts: [String], count: Int = 1, strengths: [Double] = [], schedules: [String] = []
  ) throws -> (title: String, rows: [String], columns: [String]) {
    var request = DrawingRequest(
      model: Fixtures.model("tiny-flux"), prompts: [], width: 64, height: 64)
    request.picturesPerPrompt = count
    request.seed = 7
    let lines = try prompts.map { try PromptLine(parsing: $0, source: "line") }
    let batch = try DrawingBatch(
      request, lines: lines, varying: .init(strengths: strengths, schedules: schedules))
    let labels = try DrawingGrid(batch, in: "grid.png").labels
    #expect(labels.rows.count * labels.columns.count == batch.pictureCount)
    #expect(batch.parts.flatMap(\.places).sorted() == Array(0..<batch.pictureCount))
    return (labels.title, labels.rows, labels.columns)
  }

  @Test("columns are what varies last, rows the rest")
  func axes() throws {
    let (a, b) = ("a red star", "a blue circle")
    let schedules = ["glance-1+1", "glance-2+2"]
    #expect(try Self.labels([a]) == (a, [""], [""]))
    #expect(try Self.labels([a, b]) == ("", [a, b], [""]))
    #expect(try Self.labels([a], count: 3) == (a, [""], ["seed 7", "seed 8", "seed 9"]))
    #expect(try Self.labels([a, b], count: 2) == ("", [a, b], ["seed 7", "seed 8"]))
    #expect(
      try Self.labels([a, b], count: 2, strengths: [0, 0.5])
        == (
          "",
          ["seed 7\n\(a)", "seed 8\n\(a)", "seed 7\n\(b)", "seed 8\n\(b)"],
          ["strength 0", "strength 0.5"]
        ))
    #expect(
      try Self.labels([a], strengths: [0, 0.5], schedules: schedules)
        == (a, ["strength 0", "strength 0.5"], schedules))
    #expect(
      try Self.labels([a, b], schedules: schedules) == ("", [a, b], schedules))
    #expect(
      try Self.labels([a, b], count: 2, strengths: [1, 2], schedules: schedules).rows[2]
        == "seed 8, strength 1\n\(a)")
  }

  @Test("prompts with seeds of their own say them")
  func ownSeeds() throws {
    let (a, b) = ("a red star", "a blue circle")
    #expect(
      try Self.labels([a, "\(b) --d 30"], count: 2)
        == ("", ["seed 7\n\(a)", "seed 30\n\(b)"], ["its seed", "its seed + 1"]))
    #expect(
      try Self.labels([a, "\(b) --d 30"])
        == ("", ["seed 7\n\(a)", "seed 30\n\(b)"], [""]))
  }

  @Test("lines of one text are rows of their own, with how they are drawn where that differs")
  func sameText() throws {
    let a = "a red star"
    #expect(
      try Self.labels(["\(a) --d 5", "\(a) --d 9"]) == ("", ["seed 5\n\(a)", "seed 9\n\(a)"], [""]))
    #expect(
      try Self.labels(["\(a) --l 2.5", "\(a) --l 4 --n gray --w 64 --h 32"])
        == ("", ["\(a)\ncfg 2.5", "\(a)\n64x32, cfg 4, not gray"], [""]))
    #expect(try Self.labels([a, a]) == ("", [a, a], [""]))
  }
}
