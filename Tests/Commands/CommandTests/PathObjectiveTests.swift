import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Experts that learn the teacher's own walks, from a caption alone.
@Suite("glance-train-lora --objective path", .serialized)
struct PathObjectiveTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  /// Two walks of six steps, of which the schedule needs four levels.
  private func arguments(
    _ output: String, model: String = "tiny-flux", objective: String = "path:2", steps: Int = 3,
    _ more: [String] = []
  ) -> [String] {
    [
      "--model", Fixtures.model(model).string, "--caption", "a small blue circle",
      "--resolution", "96x64", "--objective", objective, "--teacher-steps", "6",
      "--slow-steps", "0,1", "--fast-steps", "3,5", "--rank", "2", "--steps", "\(steps)",
      "--output", path(output),
    ] + more
  }

  @discardableResult
  private func run(_ arguments: [String]) throws -> BuiltCommand.Outcome {
    let outcome = try command.run(arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  private func experts(_ output: String) throws -> [[UInt8]] {
    try ["slow", "fast"].map {
      try contents(of: folder.path.appending("\(output)/glance-\($0).safetensors"))
    }
  }

  private func walkLines(_ outcome: BuiltCommand.Outcome) -> [Substring] {
    outcome.errors.split(separator: "\n").filter { $0.contains("walks") }
  }

  /// Kept latents of walks by how many levels they passed.
  private func walks() throws -> [(file: FilePath, levels: Int)] {
    try TemporaryFolder.names(in: folder.path.appending("c"))
      .filter { $0.hasSuffix(".safetensors") }
      .map { folder.path.appending("c/" + $0) }
      .compactMap { file in
        let text = try SafetensorsFile(opening: file).metadata["key"] ?? ""
        let key = try JSONValue(parsing: text)
        guard key["kind"] == "teacher-walk" else { return nil }
        return (file, key["sigmas"]?.array?.count ?? 0)
      }
  }

  @Test("learns from a caption alone", arguments: ["tiny-flux", "tiny-qwen-image"])
  func captionAlone(model: String) throws {
    let more = ["--json", "--no-cache"]
    let plan = try JSONValue(
      parsing: run(arguments("out", model: model, more + ["--dry-run"])).output)
    #expect(plan["pictures"] == [])
    #expect(plan["kept"] == .null)
    #expect(folder.entries == [])
    let passes = model == "tiny-flux" ? 1 : 2
    #expect(plan["teacher_passes"] == 0 && plan["student_passes"]?.integer == passes)
    let outcome = try run(arguments("out", model: model, steps: 30, more))
    let report = try JSONValue(parsing: outcome.output)
    let experts = try #require(report["experts"]?.array)
    #expect(experts.map { $0["losses"]?.array?.count } == [2, 2])
    for expert in experts {
      let losses = expert["losses"]?.array ?? []
      let (base, adapted) = (
        losses.compactMap { $0["base"]?.double }, losses.compactMap { $0["adapted"]?.double }
      )
      #expect(base.allSatisfy { $0 > 0 })
      #expect(adapted.reduce(0, +) < base.reduce(0, +), "\(losses)")
    }
    let file = folder.path.appending("out/glance-slow.safetensors")
    let text = try SafetensorsFile(opening: file).metadata["glance.settings"] ?? ""
    let settings = try JSONValue(parsing: text)
    #expect(settings["objective"] == "path:2" && settings["teacher-steps"] == 6)
  }

  @Test(
    "writes the same bytes without the cache, with an empty and with a full one",
    arguments: ["tiny-flux", "tiny-qwen-image"])
  func cached(model: String) throws {
    let cache = ["--cache", path("c"), "--verbose"]
    let none = try run(arguments("none", model: model, ["--no-cache", "--verbose"]))
    #expect(walkLines(none).count == 6, "\(none.errors)")
    let cold = try run(arguments("cold", model: model, cache))
    #expect(walkLines(cold) == walkLines(none))
    // Two walks at every level but the noise.
    #expect(try walks().map(\.levels).sorted() == [2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7])
    let warm = try run(arguments("warm", model: model, cache + ["--threads", "1"]))
    #expect(walkLines(warm).count == 1)
    #expect(walkLines(warm).first?.hasSuffix("walks taken by an earlier run: 2 of 2") == true)
    #expect(try experts("cold") == experts("none") && experts("warm") == experts("none"))
    let plan = try run(arguments("plan", model: model, cache + ["--dry-run"]))
    #expect(plan.output.contains("2 of 2 walks of the teacher\n"), "\(plan.output)")
    let more = try run(
      arguments(
        "plan", model: model, objective: "path:3", ["--cache", path("c"), "--dry-run", "--json"]))
    #expect(try JSONValue(parsing: more.output)["kept"]?["walks"] == ["kept": 2, "all": 3])
  }

  @Test("goes on with the walks of the run before, and takes none where nothing is left to train")
  func resumed() throws {
    try run(arguments("whole", ["--no-cache"]))
    let cache = ["--cache", path("c"), "--verbose", "--keep-state"]
    try run(arguments("parts", steps: 1, cache))
    let rest = try run(arguments("parts", cache + ["--resume"]))
    #expect(walkLines(rest).count == 1, "\(rest.errors)")
    #expect(try experts("parts") == experts("whole"))
    let done = try run(arguments("parts", ["--no-cache", "--verbose", "--keep-state", "--resume"]))
    #expect(walkLines(done) == [], "\(done.errors)")
    #expect(try experts("parts") == experts("whole"))
    // Without a cache the walks are taken once for both experts.
    let longer = try run(
      arguments("parts", steps: 4, ["--no-cache", "--verbose", "--keep-state", "--resume"]))
    #expect(walkLines(longer).count == 6, "\(longer.errors)")
  }

  @Test("takes steps again whose latents are damaged")
  func damaged() throws {
    try run(arguments("none", ["--no-cache"]))
    try run(arguments("cold", ["--cache", path("c")]))
    // Where the second level of the fast expert is; the walk goes on from the level before.
    let files = try walks().filter { $0.levels == 6 }.map(\.file)
    try #require(files.count == 2)
    for file in files {
      var bytes = try contents(of: file)
      bytes[bytes.count - 1] ^= 0x40
      try folder.write(bytes, to: "c/" + (file.lastComponent?.string ?? ""))
    }
    let again = try run(arguments("again", ["--cache", path("c"), "--verbose"]))
    for file in files {
      #expect(
        again.errors.contains("warning: \(file): damaged; it is not used, and made anew\n"),
        "\(again.errors)")
    }
    #expect(walkLines(again).count == 1)
    #expect(walkLines(again).first?.hasSuffix("the teacher's own walks: step 1 of 1") == true)
    #expect(try experts("again") == experts("none"))
    let healed = try run(arguments("healed", ["--cache", path("c"), "--verbose"]))
    #expect(!healed.errors.contains("damaged") && walkLines(healed).count == 1)
  }

  @Test("needs a size, and other objectives a picture")
  func refusals() throws {
    let whole = arguments("out")
    let place = try #require(whole.firstIndex(of: "--resolution"))
    let noSize = try command.run(Array(whole[..<place] + whole[(place + 2)...]))
    #expect(noSize.status == 64)
    #expect(
      noSize.errors.contains(
        "--resolution: expected a size, where there is no picture, found none"),
      "\(noSize.errors)")
    for objective in ["flow-matching", "interval"] {
      let outcome = try command.run(arguments("out", objective: objective))
      #expect(outcome.status == 64)
      #expect(
        outcome.errors.contains(
          "--image: expected a picture, which the objective '\(objective)' needs, found none"),
        "\(outcome.errors)")
    }
    #expect(folder.entries == [])
  }
}
