import Files
import JSON
import Pictures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("glance-eval run", .serialized)
struct EvaluationCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-eval")
  private let arguments: [String]

  init() throws {
    folder = try TemporaryFolder()
    let prompts = try folder.write(
      Array(
        """
        [{"caption": "a small blue circle on a cyan background", "labels": [0, 3, 0, 2, 0, -1, -1, -1]},
         {"caption": "a large red star on a black background", "labels": [0, 1, 1, 0, 3, -1, -1, -1]}]
        """.utf8), to: "prompts.json")
    arguments = [
      "run", "--model", Fixtures.model("tiny-flux").string, "--prompts", prompts.string, "--size",
      "96x96",
      "--checker", Fixtures.model("world").appending("checker.safetensors").string, "--seeds", "2",
      "--teacher-steps", "3", "--resamples", "100", "--arm", "grid: schedule=1|0.6",
      "--output", folder.path.appending("out").string,
    ]
  }

  private func latents(_ arm: String) throws -> [Float] {
    try SafetensorsFile(
      opening: folder.path.appending("out/latents/\(arm).safetensors")
    ).tensor(named: "latents").floats()
  }

  private func picture(_ arm: String, _ name: String) throws -> Picture {
    try Picture(reading: folder.path.appending("out/pictures/\(arm)/\(name).png"))
  }

  @Test("writes pictures, latents and reports whose figures follow from them")
  func everything() throws {
    let run = try command.run(arguments + ["--json", "--quiet"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors == "")
    let out = folder.path.appending("out")
    #expect(
      TemporaryFolder.names(in: out) == [
        "latents", "pictures", "report.html", "results.csv", "results.json", "results.md",
      ])
    let report = try JSONValue(parsing: run.output)
    #expect(try Fixtures.text(out.appending("results.json")) == run.output)
    #expect(report["format"] == "glance-eval/1")
    let arms = try #require(report["arms"]?.array)
    #expect(arms.map { $0["name"] } == ["teacher, 3 steps", "grid", "plain, uniform 2"])
    #expect(arms.map { $0["role"] } == ["teacher", "asked", "plain-uniform"])
    #expect(arms.map { $0["passes"] } == [3, 2, 2])
    let (teacher, grid) = (try latents("teacher-3-steps"), try latents("grid"))
    #expect(teacher.count == 4 * 16 * 12 * 12)
    let error =
      zip(teacher, grid).reduce(0.0) {
        $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
      }
      / Double(teacher.count)
    let rmse = try #require(arms[1]["figures"]?["latent_rmse"])
    // One sum in another order.
    #expect(abs(try #require(rmse["value"]?.double) - error.squareRoot()) < 1e-12)
    #expect(try #require(rmse["low"]?.double) <= error.squareRoot())
    #expect(arms[0]["figures"]?["latent_rmse"] == nil)
    #expect(arms[0]["figures"]?["diversity"]?["value"]?.double == 1)
    #expect(arms[1]["against_plain"]?.array?.map { $0["arm"] } == ["plain, uniform 2"])
    #expect(arms[1]["frechet"]?["enough_pictures"] == false)
    let pixels = try ["p000-s0", "p000-s1", "p001-s0", "p001-s1"].flatMap { name in
      zip(try picture("teacher-3-steps", name).pixels, try picture("grid", name).pixels).map {
        (Int($0) - Int($1)) * (Int($0) - Int($1))
      }
    }
    let mean = Double(pixels.reduce(0, +)) / Double(pixels.count)
    let lines = try Fixtures.text(out.appending("results.csv")).split(separator: "\n")
    #expect(lines.count == 13)
    let squares = lines.filter { $0.hasPrefix("\"grid\"") }
      .compactMap { Double($0.split(separator: ",", omittingEmptySubsequences: false)[8]) }
    #expect(squares.count == 4)
    #expect(abs(squares.reduce(0, +) / 4 - mean) < 1e-9)
  }

  @Test("draws what isn't there yet, to the same latents for any number of threads")
  func resumed() throws {
    let first = try command.run(arguments + ["--threads", "2"])
    #expect(first.status == 0, "\(first.errors)")
    let before = try (latents("grid"), contents(of: folder.path.appending("out/results.md")))
    folder.remove("out/latents/grid.safetensors")
    folder.remove("out/pictures/teacher-3-steps/p001-s0.png")
    let second = try command.run(arguments + ["--threads", "1", "--verbose"])
    #expect(second.status == 0, "\(second.errors)")
    #expect(second.errors.contains("teacher, 3 steps: 4 of 4 pictures are there\n"))
    #expect(second.errors.contains("grid: 0 of 4 pictures are there\n"))
    #expect(try latents("grid") == before.0)
    #expect(folder.path.appending("out/pictures/teacher-3-steps/p001-s0.png").isThere)
    // Other settings are drawn anew.
    let other = try command.run(
      arguments.map { $0 == "grid: schedule=1|0.6" ? "grid: schedule=1|0.7" : $0 } + ["--verbose"])
    #expect(other.errors.contains("grid: 0 of 4 pictures are there\n"))
    #expect(try latents("grid") != before.0)
  }

  @Test("draws the same from encoded prompts that an earlier run kept")
  func cached() throws {
    let plain = try command.run(arguments)
    #expect(plain.status == 0, "\(plain.errors)")
    let before = try (latents("teacher-3-steps"), latents("grid"))
    let cache = folder.path.appending("cache")
    for _ in 0..<2 {
      folder.remove("out/latents/teacher-3-steps.safetensors")
      folder.remove("out/latents/grid.safetensors")
      let run = try command.run(arguments + ["--cache", cache.string])
      #expect(run.status == 0, "\(run.errors)")
      #expect(try latents("teacher-3-steps") == before.0)
      #expect(try latents("grid") == before.1)
      // The states of two prompts.
      #expect(TemporaryFolder.names(in: cache).count { $0.hasSuffix(".safetensors") } == 2)
    }
  }

  @Test("tells its plan")
  func plan() throws {
    let run = try command.run(arguments + ["--dry-run"])
    #expect(
      run.output == """
        arm               steps  passes  compared with
        teacher, 3 steps      3       3
        grid                  2       2  plain, uniform 2
        plain, uniform 2      2       2
        4 pictures of each, 28 forward passes (NFE) in all

        """)
    #expect(folder.entries == ["prompts.json"])
  }

  @Test(
    "says what is wrong with an arm",
    arguments: [
      (
        "adapter=a", "--arm: 'adapter=a' has no name before a colon; \(expected)"
      ),
      ("a: cat", "--arm a: 'cat' is no key=value; \(expected)"),
      ("a: steps=4", "--arm a: unknown key 'steps'; \(expected)"),
      ("a: cfg=x", "--arm a: cfg=x: expected a number, found 'x'"),
      ("a: compat=x", "--arm a: compat=x: expected reference or ported-flux"),
    ] as [(String, String)])
  func refused(arm: String, message: String) throws {
    let run = try command.run(arguments.map { $0 == "grid: schedule=1|0.6" ? arm : $0 })
    #expect(run.status == 64)
    #expect(run.errors == "glance-eval: \(message)\n")
  }

  private static let expected =
    "expected 'name: adapter=FILE schedule=glance-5+5 cfg=1', with any of adapter, transformer, "
    + "schedule, cfg, guidance, compat and assume-alpha"

  @Test("refuses a folder that holds something else, and arms said twice")
  func misuse() throws {
    try folder.makeFolder("out")
    try folder.write([1], to: "out/x")
    let run = try command.run(arguments)
    #expect(run.status == 73)
    #expect(run.errors.hasPrefix("glance-eval: \(folder.path)/out: "))
    let twice = try command.run(arguments + ["--schedule", "teacher:2"])
    #expect(twice.status == 64)
    #expect(
      twice.errors.hasPrefix(
        "glance-eval: --arm says everything of an arm: put adapter=, schedule=, cfg= and guidance= into "
          + "it.\n"))
  }

  @Test("tells how well pictures agree with prompts where a CLIP model is given")
  func agreement() throws {
    let clip = try TinyCLIP.write(in: folder)
    let without = try JSONValue(parsing: command.run(arguments + ["--json", "--quiet"]).output)
    #expect(without["clip_model"] == .null)
    #expect(without["arms"]?.array?.allSatisfy { $0["figures"]?["clip_score"] == nil } == true)
    let run = try command.run(
      arguments + ["--json", "--quiet", "--force", "--clip", clip.string])
    #expect(run.status == 0, "\(run.errors)")
    let report = try JSONValue(parsing: run.output)
    #expect(report["clip_model"] == "clip")
    let out = folder.path.appending("out")
    let lines = try Fixtures.text(out.appending("results.csv")).split(separator: "\n")
    let column = try #require(lines[0].split(separator: ",").firstIndex(of: "clip_score"))
    let arms = try #require(report["arms"]?.array)
    for (index, arm) in arms.enumerated() {
      // Names of arms and texts with commas stand in quotes at both ends of a line.
      let scores = lines[(1 + 4 * index)..<(5 + 4 * index)].compactMap { line -> Double? in
        let inner = line.split(separator: "\"")[1].split(
          separator: ",", omittingEmptySubsequences: false)
        return Double(inner[column])
      }
      #expect(scores.count == 4 && scores.allSatisfy { (0...100).contains($0) }, "\(lines)")
      let figure = try #require(arm["figures"]?["clip_score"])
      #expect(abs(try #require(figure["value"]?.double) - scores.reduce(0, +) / 4) < 1e-9)
      #expect(figure["low"]?.double != nil && figure["high"]?.double != nil)
    }
    #expect(arms[1]["against_plain"]?.array?.first?["figures"]?["clip_score"] != nil)
    for name in ["results.md", "report.html"] {
      #expect(try Fixtures.text(out.appending(name)).contains("CLIP score"))
    }
    let threads = try command.run(
      arguments + ["--json", "--quiet", "--force", "--clip", clip.string, "--threads", "1"])
    #expect(threads.output == run.output)
    let wrong = try command.run(
      arguments + ["--force", "--clip", Fixtures.model("tiny-flux").string])
    #expect(wrong.status == 65)
    #expect(
      wrong.errors.hasSuffix(
        ": expected the folder of a CLIPModel with config.json, model.safetensors, a tokenizer and "
          + "preprocessor_config.json, found no config.json\n"), "\(wrong.errors)")
  }
}
