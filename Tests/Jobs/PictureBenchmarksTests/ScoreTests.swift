import PictureBenchmarks
import SystemPackage
import TestSupport
import Testing

@Suite("Scores of benchmarks")
struct ScoreTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ text: String, _ name: String = "scores") throws -> FilePath {
    try folder.write(Array(text.utf8), to: name)
  }

  /// The scores of one arm in a file, as `metric: value`, the overall one with a star.
  private func scores(_ text: String, arm: String = "teacher") throws -> [String] {
    let table = try ScoreTable([(arm, file(text))], teacher: arm)
    return table.arms[0].scores.map { "\($0.metric)\($0.isOverall ? "*" : ""): \($0.value)" }
  }

  private func refusal(
    _ text: String, arm: String = "teacher", saying message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = try file(text)
    let error = #expect(throws: BenchmarkError.self, sourceLocation: sourceLocation) {
      _ = try ScoreTable([(arm, file)], teacher: arm)
    }
    #expect(error.map { "\($0)" } == "\(file): \(message)", sourceLocation: sourceLocation)
  }

  static func geneval(_ tag: String, _ prompt: String, _ isRight: Bool) -> String {
    "{\"filename\":\"a\\/00000\\/samples\\/00000.png\",\"tag\":\"\(tag)\",\"prompt\":\"\(prompt)\","
      + "\"correct\":\(isRight),\"reason\":\"\",\"metadata\":\"{\\\"prompt\\\": \\\"\(prompt)\\\"}\","
      + "\"details\":\"{}\"}\n"
  }

  /// Counting 1 of 4 over two prompts, of which one has a right picture; colours 1 of 1.
  static let genevalResults =
    geneval("counting", "two kites", true) + geneval("counting", "two kites", false)
    + geneval("counting", "three kites", false) + geneval("counting", "three kites", false)
    + geneval("colors", "a red kite", true)

  @Test("GenEval: the mean of tasks, (1/4 + 1) / 2, not the 2/5 of pictures")
  func geneval() throws {
    #expect(
      try scores(Self.genevalResults) == [
        "overall*: 0.625", "counting: 0.25", "colors: 1.0", "correct images: 0.4", "images: 5.0",
        "correct prompts: \(2.0 / 3)",
      ])
  }

  @Test("GenEval's summary, with the counts' own precision")
  func genevalSummary() throws {
    let summary = """
      Summary
      =======
      Total images: 5
      Total prompts: 3
      % correct images: 40.00%
      % correct prompts: 66.67%

      Task breakdown
      ==============
      counting         = 33.33% (1 / 3)
      colors           = 50.00% (1 / 2)

      Overall score (avg. over tasks): 0.41667
      """
    #expect(
      try scores(summary) == [
        "overall*: \((1.0 / 3 + 0.5) / 2)", "counting: \(1.0 / 3)", "colors: 0.5",
        "correct images: 0.4", "images: 5.0",
      ])
  }

  @Test("HPSv2: a model's lines, with or without a name before them")
  func hpsv2() throws {
    // As print gives them: padded styles, and a tab between spaces.
    let printed =
      "missing image for prompt: a bus\n-----------benchmark score ---------------- \n"
      + "glance anime           32.84 \t 0.2010\nglance photo           27.48 \t 0.1000\n"
      + "glance Average         30.16 \t\nteacher anime           33.00 \t 0.2000\n"
      + "teacher Average         33.00 \t\n"
    let own = ["anime: 32.84", "photo: 27.48", "average*: 30.16", "missing images: 1.0"]
    #expect(try scores(printed, arm: "glance") == own)
    try refusal(
      printed, arm: "plain",
      saying: "expected scores of 'plain', or of one model, found those of glance, teacher")
    #expect(
      try scores(" anime           32.84 \t 0.2010\n Average         32.84 \t\n") == [
        "anime: 32.84", "average*: 32.84",
      ])
  }

  /// Writes OneIG-Bench's five tables.
  private func oneig(_ numbers: [Double], mode: String = "EN", in name: String) throws -> FilePath {
    if !folder.entries.contains(name) { try folder.makeFolder(name) }
    let time = "2026-01-02_03-04-05.csv"
    for (dimension, header, cells) in [
      ("alignment", "alignment", "\(numbers[0])"),
      ("text", "ED,CR,WAC,text score", "3.5,0.25,0.75,\(numbers[1])"),
      ("reasoning", "reasoning", "\(numbers[2])"), ("style", "style", "\(numbers[3])"),
      ("diversity", "anime,human,total average", "0.5,,\(numbers[4])"),
    ] {
      _ = try file(",\(header)\nmodel,\(cells)\n", "\(name)/\(dimension)_score_\(mode)_\(time)")
    }
    _ = try file(",model\nanime_000,1.0\n", "\(name)/alignment_prompt_score_\(mode)_\(time)")
    _ = try file(",clay\nmodel,0.1\n", "\(name)/style_style_score_\(mode)_\(time)")
    return folder.path.appending(name)
  }

  @Test("OneIG-Bench: a folder of tables, and the mean of its five dimensions")
  func oneig() throws {
    let table = try ScoreTable(
      [("teacher", oneig([0.5, 0.75, 0.25, 0.375, 0.125], in: "results"))], teacher: "teacher")
    #expect(
      table.arms[0].scores.map { "\($0.metric)\($0.isDistance ? "-" : ""): \($0.value)" } == [
        "overall: 0.4", "alignment: 0.5", "diversity, anime: 0.5", "diversity: 0.125",
        "reasoning: 0.25", "style: 0.375", "text, ED-: 3.5", "text, CR: 0.25", "text, WAC: 0.75",
        "text: 0.75",
      ])
    #expect(table.measures[0].isOverall && table.measures[0].metric == "overall")
  }

  @Test("OneIG-Bench: languages apart, rows by name, one table of each kind")
  func oneigTables() throws {
    let both = try ScoreTable(
      [
        ("a", oneig([0.5, 0.5, 0.5, 0.5, 0.5], in: "en")),
        ("a", oneig([1, 1, 1, 1, 1], mode: "ZH", in: "zh")),
      ], teacher: "a")
    #expect(
      both.measures.filter(\.isOverall).map(\.benchmark) == ["OneIG-Bench", "OneIG-Bench ZH"])
    let rows = ",alignment\nteacher,0.9\nglance,0.6\n"
    #expect(try scores(rows, arm: "glance") == ["alignment: 0.6"])
    try refusal(
      rows, arm: "plain",
      saying: "expected a row of 'plain', or of one model, found those of teacher, glance")
    let results = try oneig([1, 1, 1, 1, 1], in: "twice")
    _ = try file(",style\nmodel,1\n", "twice/style_score_EN_2027-01-01_00-00-00.csv")
    expectRefusal(
      BenchmarkError.self,
      saying: "\(results): expected one table for each dimension, found "
        + "style_score_EN_2026-01-02_03-04-05.csv and style_score_EN_2027-01-01_00-00-00.csv"
    ) { try ScoreTable([("a", results)], teacher: "a") }
    try refusal(
      ",alignment\nmodel,x\n", saying: "line 2: expected a number, found 'x'")
    try refusal(
      ",a\nm,1\n",
      saying: "line 1: expected a column alignment, text score, reasoning, style, total average, "
        + "found 'a'")
  }

  @Test("DPG-Bench: the score, and the categories of the first level")
  func dpg() throws {
    #expect(
      try scores(
        """
        pictures/glance/12.png, 1.0, 0.5, 1.0, 0.5, 0.75
        Model: glance
        L1 category scores:
        \tentity: 87.5
        \trelation: 75.0
        L2 category scores:
        \tentity - whole: 90.0
        Image path: pictures/glance
        Save results to: x_results.txt
        DPG-Bench score: 83.25

        """) == ["overall*: 83.25", "entity: 87.5", "relation: 75.0"])
    try refusal("DPG-Bench score: nan\n", saying: "line 1: expected a number, found 'nan'")
  }

  @Test("LongText-Bench: words read over words asked for, (3 + 1) / (4 + 4)")
  func longtext() throws {
    let lines =
      "{\"ocr_gt\": \"a b c d\", \"match_word_count\": 3, \"gt_word_count\": 4}\n"
      + "{\"ocr_gt\": \"e f g h\", \"match_word_count\": 1, \"gt_word_count\": 4}\n"
    #expect(try scores(lines) == ["text score*: 0.5"])
    #expect(try scores("Text Score: 0.9432\n") == ["text score*: 0.9432"])
    try refusal(
      "{\"ocr_gt\": [\"a\"], \"ocr_results\": \"a\"}\n",
      saying:
        "line 1: expected 'match_word_count' and 'gt_word_count', which summary_scores.py adds, "
        + "found a line without")
  }

  @Test func distances() throws {
    #expect(try scores("FID:  23.5\n") == ["FID*: 23.5"])
    #expect(try scores("23.5\n") == ["FID*: 23.5"])
    #expect(try scores("100%\nCLIP Score:  31.25\n") == ["CLIP score: 31.25"])
  }

  @Test func otherFiles() throws {
    try refusal(
      "{\"a\": 1}\n",
      saying:
        "line 1: expected the keys 'tag' and 'correct' (GenEval) or 'ocr_gt' (LongText-Bench), "
        + "found other keys")
    let error = #expect(throws: BenchmarkError.self) { try scores("hello\n") }
    #expect("\(try #require(error))".hasSuffix("(COCO 2014), found 'hello'"))
    try refusal(
      Self.genevalResults + "{\"tag\":\"colors\",\"correct\":\"yes\",\"metadata\":\"{}\"}\n",
      saying: "line 6: expected texts 'tag' and 'metadata' and true or false as 'correct', found a "
        + "line without")
  }
}
