import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("glance-eval export", .serialized)
struct ExportCommandTests {
  private let folder: TemporaryFolder
  private let eval = BuiltCommand("glance-eval")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func export(_ bench: String, _ prompts: String, _ more: String...) throws
    -> BuiltCommand.Outcome
  {
    try folder.write(Array(prompts.utf8), to: "prompts")
    return try eval.run(
      [
        "export", "--bench", bench, "--prompts", path("prompts"), "--model",
        Fixtures.model("tiny-flux").string, "--size", "64x64", "--schedule", "teacher:2",
        "--output", path("out"),
      ] + more)
  }

  private static let longtext = """
    {"prompt": "a red star", "prompt_id": 3}
    {"prompt": "a blue circle", "prompt_id": 9}

    """

  @Test("draws what glance-sample draws, keeps what is there, and says how to score it")
  func pictures() throws {
    let first = try export("longtext", Self.longtext, "--name", "teacher", "--limit", "1")
    #expect(first.status == 0, "\(first.errors)")
    #expect(
      first.output.hasPrefix(
        "drew 4 pictures of 4 for LongText-Bench, the others were there; what each is: "))
    #expect(
      first.output.contains(
        "textbench/eval.sh with SAMPLE_FOLDER=pictures/teacher, then summary_scores.py results.jsonl"
      ))
    let second = try export("longtext", Self.longtext, "--name", "teacher", "--json")
    #expect(second.status == 0, "\(second.errors)")
    let report = try JSONValue(parsing: second.output)
    #expect(report["format"] == "glance-export/1")
    #expect(report["pictures"] == 8 && report["drawn"] == 4 && report["passes"] == 8)
    #expect(
      TemporaryFolder.names(in: folder.path.appending("out/pictures/teacher")) == [
        "0003_1.png", "0003_2.png", "0003_3.png", "0003_4.png",
        "0009_1.png", "0009_2.png", "0009_3.png", "0009_4.png",
      ])
    // The third picture of the second prompt is of seed 4 + 2.
    let sample = try BuiltCommand("glance-sample").run([
      "--model", Fixtures.model("tiny-flux").string, "--size", "64x64", "--schedule", "teacher:2",
      "--prompt", "a blue circle", "--seed", "6", "--output", path("sample.png"),
    ])
    #expect(sample.status == 0, "\(sample.errors)")
    #expect(
      try Picture(reading: folder.path.appending("out/pictures/teacher/0009_3.png"))
        == Picture(reading: folder.path.appending("sample.png")))
    let manifest = try JSONValue(
      parsing: Fixtures.text(folder.path.appending("out/manifests/teacher.json")))
    #expect(manifest["set"]?["settings"]?["steps"] == 2)
    #expect(manifest["set"]?["settings"]?["size"] == "64x64")
    #expect(manifest["set"]?["settings"]?["adapters"] == [])
    #expect(manifest["pictures"]?.array?.count == 8)
  }

  @Test("other settings under the same name are refused before anything is drawn")
  func otherSettings() throws {
    #expect(try export("longtext", Self.longtext, "--name", "a", "--limit", "1").status == 0)
    let outcome = try export("longtext", Self.longtext, "--name", "a", "--guidance", "1")
    #expect(outcome.status == 73)
    #expect(
      outcome.errors.hasSuffix(
        "\(path("out/manifests/a.json")): its pictures were drawn with 'guidance' 3.5, asked for is 1.0; "
          + "choose another name or folder, or have them drawn anew (--force)\n"),
      "\(outcome.errors)")
    #expect(
      TemporaryFolder.names(in: folder.path.appending("out/pictures/a")).count == 4)
  }

  @Test("a dry run counts, and writes nothing")
  func dryRun() throws {
    let outcome = try export("longtext", Self.longtext, "--name", "a", "--dry-run")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output.hasPrefix(
        "LongText-Bench: 2 prompts, 8 pictures in 8 files; 0 are there, 8 to draw\n"
          + "2 forward passes (NFE) a picture, 16 in all\na pass is about "), "\(outcome.output)")
    #expect(folder.entries == ["prompts"])
    let table = "category,id,prompt_en\nPortrait,000,a\nPortrait,001,b\n"
    let json = try JSONValue(
      parsing: export("oneig", table, "--name", "a", "--dry-run", "--json").output)
    #expect(json["dry_run"] == true && json["files"] == 2 && json["pictures"] == 8)
  }

  @Test func wrongOptions() throws {
    let bench = try export("imagenet", Self.longtext, "--name", "a")
    #expect(bench.status == 64)
    #expect(bench.errors.contains("expected one of geneval, hpsv2, oneig, dpg, longtext, coco"))
    let square = try export("dpg", Self.longtext, "--name", "a", "--size", "64x96")
    #expect(square.status == 64)
    let arm = try export("longtext", Self.longtext, "--name", "a b")
    #expect(arm.status == 64)
    #expect(
      arm.errors.contains(
        "the arm's name: expected letters, digits and . _ + - (not first .), found 'a b'"))
    let prompts = try export("longtext", "{\"prompt\": 1}\n", "--name", "a")
    #expect(prompts.status == 65)
    #expect(
      prompts.errors.hasSuffix(
        "\(path("prompts")): line 1: expected a text 'prompt', found another value\n"))
    #expect(folder.entries == ["prompts"])
  }
}
