import Files
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("glance-eval grid", .serialized)
struct GridCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-eval")

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      Array("a small blue circle on a cyan background\na red star\n".utf8), to: "prompts.txt")
  }

  /// The arguments of a table with these arms.
  private func grid(_ arms: String, train: String = "", top: String = "") throws -> [String] {
    let sample = Fixtures.model("sample").string
    let file = try folder.write(
      Array(
        """
        {"format": "glance-grid/1",
         "evaluate": {"prompts": "prompts.txt", "size": "96x96", "teacher-steps": 3, "resamples": 50},
         "train": {"data": "\(sample)", "preset": "glance-1+1", "rank": 2, "steps": 2\(train)},
         "training-seeds": 2, "arms": [\(arms)]\(top)}
        """.utf8), to: "grid.json")
    return [
      "grid", "--config", file.string, "--model", Fixtures.model("tiny-flux").string, "--output",
      folder.path.appending("out").string,
    ]
  }

  private static let arms = """
    {"name": "own", "train": {}}, {"name": "half", "train": {}, "draw": {"strength": 0.5}},
    {"name": "plain", "draw": {"schedule": "glance-1+1"}},
    {"name": "other", "families": ["qwen-image"], "train": {}}
    """

  private func experts() throws -> [String] {
    TemporaryFolder.names(in: folder.path.appending("out/experts"))
  }

  @Test("trains each training once, with every seed, and pools the pictures of an arm's runs")
  func everything() throws {
    let run = try command.run(try grid(Self.arms) + ["--json", "--quiet"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors == "")
    let report = try JSONValue(parsing: run.output)
    let arms = try #require(report["arms"]?.array)
    #expect(
      arms.map { $0["name"] } == ["teacher, 3 steps", "own", "half", "plain"])
    #expect(arms.map { $0["runs"]?.array?.count } == [1, 2, 2, 1])
    #expect(arms[1]["against_plain"]?.array?.map { $0["arm"] } == ["plain"])
    #expect(try experts().count == 2)
    // Of each arm, the mean over the pictures of both its runs.
    let lines = try Fixtures.text(folder.path.appending("out/results.csv")).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let own = lines.filter { $0[0] == "\"own\"" }
    #expect(own.map { $0[2] } == ["0", "0", "1", "1"])
    let squares = own.compactMap { Double($0[6]) }
    let value = try #require(arms[1]["figures"]?["latent_rmse"]?["value"]?.double)
    #expect(abs(value - (squares.reduce(0, +) / 4).squareRoot()) < 1e-12)
  }

  @Test("trains the bytes that glance-train-lora does")
  func sameExperts() throws {
    let run = try command.run(try grid("{\"name\": \"own\", \"train\": {\"seed\": 6}}"))
    #expect(run.status == 0, "\(run.errors)")
    let alone = folder.path.appending("alone").string
    let training = try BuiltCommand("glance-train-lora").run([
      "--model", Fixtures.model("tiny-flux").string, "--data", Fixtures.model("sample").string,
      "--preset", "glance-1+1", "--rank", "2", "--steps", "2", "--seed", "7", "--output", alone,
    ])
    #expect(training.status == 0, "\(training.errors)")
    let expected = try contents(of: folder.path.appending("alone/glance-slow.safetensors"))
    let found = try experts().map {
      try contents(of: folder.path.appending("out/experts/\($0)/glance-slow.safetensors"))
    }
    #expect(found.count == 2)
    #expect(found.count { $0 == expected } == 1)
  }

  @Test(
    "of the shipped files are sound", arguments: ["ablations", "confirm"],
    ["tiny-flux", "tiny-qwen-image"])
  func shipped(file: String, model: String) throws {
    let outcome = try command.run([
      "grid", "--config", Fixtures.model("world/\(file).json").string, "--model",
      Fixtures.model(model).string, "--output", folder.path.appending("out").string, "--dry-run",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("recommended 2+2"))
  }

  @Test("goes on with what is there, only when it is told to")
  func resumed() throws {
    let arguments = try grid(Self.arms)
    let first = try command.run(arguments)
    #expect(first.status == 0, "\(first.errors)")
    let refused = try command.run(arguments)
    #expect(refused.status == 64)
    #expect(
      refused.errors.hasPrefix(
        "glance-eval: --output: '\(folder.path)/out' holds a table that was begun: go on with it with "
          + "--resume, choose another folder, or begin anew with --force\n"))
    let lost = try #require(try experts().first)
    let file = folder.path.appending("out/experts/\(lost)/glance-fast.safetensors")
    let before = try contents(of: file)
    folder.remove("out/experts/\(lost)/glance-fast.safetensors")
    let second = try command.run(arguments + ["--resume", "--verbose"])
    #expect(second.status == 0, "\(second.errors)")
    #expect(try contents(of: file) == before)
    #expect(second.errors.contains("own: 2 of 2 pictures are there\n"))
    #expect(second.output == first.output)
  }

  @Test("tells its plan, of some arms only where they are named")
  func plan() throws {
    let other = ", {\"name\": \"other grid\", \"train\": {\"preset\": \"glance-2+2\"}}"
    let run = try command.run(
      try grid(Self.arms + other)
        + ["--dry-run", "--only", "own", "--only", "pla", "--only", "grid"])
    #expect(
      run.output == """
        arm         trainings  optimiser steps
        own                 2                8
        plain               0                0
        other grid          2                8
        4 trainings in all, each once, of 16 optimiser steps; then each arm draws 2 prompts from 1 seed of \
        noise with each of its trainings

        """)
    #expect(folder.entries == ["grid.json", "prompts.txt"])
  }

  @Test(
    "says where a table is wrong",
    arguments: [
      (
        "{\"name\": \"a\", \"train\": {\"stps\": 1}}", "",
        "arm 'a': 'train': Unknown option '--stps'"
      ),
      (
        "{\"name\": \"a\", \"draw\": {\"steps\": 1}}", "",
        "arm 'a': unknown key 'steps'; expected adapter,"
      ),
      (
        "{\"name\": \"a\", \"draw\": {\"cfg\": \"x\"}}", "",
        "arm 'a': 'cfg': expected a number, found \"x\"\n"
      ),
      ("{\"train\": {}}", "", "'arms[0]': expected an object with a name, found {\"train\":{}}\n"),
      ("{\"name\": \"a\"}", ", \"seeds\": 3", "unknown key 'seeds'; expected format,"),
      (
        "{\"name\": \"a\", \"families\": [\"qwen-image\"]}", "",
        "no arm is for the family flux1\n"
      ),
    ] as [(String, String, String)])
  func refused(arm: String, top: String, message: String) throws {
    let run = try command.run(try grid(arm, top: top))
    #expect(run.status == 65)
    #expect(
      run.errors.hasPrefix("glance-eval: \(folder.path)/grid.json: \(message)"), "\(run.errors)")
    #expect(folder.entries == ["grid.json", "prompts.txt"])
  }
}
