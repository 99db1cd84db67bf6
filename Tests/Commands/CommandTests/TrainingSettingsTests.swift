import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Settings on their way from options to configuration, state and metadata.
@Suite("Settings of glance-train-lora")
struct TrainingSettingsTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  /// A run with another value than the default for every option that decides what is trained.
  private static let options = [
    "--resolution", "96x96", "--text-tokens", "64", "--precision", "bfloat16", "--rank", "2",
    "--alpha", "3", "--strength", "0.5",
    "--targets", "attention", "--steps", "2", "--batch", "2", "--lr", "0.001", "--warmup", "1",
    "--weight-decay", "0.1", "--beta1", "0.8", "--beta2", "0.99", "--eps", "1e-7", "--clip", "2",
    "--caption-dropout", "0.5", "--objective", "interval:2", "--weighting", "sigma", "--cfg", "2",
    "--distill-guidance", "--guidance", "2", "--seed", "7", "--memory", "8GB", "--preset",
    "glance-3+5", "--teacher-steps", "50",
    "--slow-steps", "0,2,4", "--fast-steps", "10,20", "--boundary", "step:5",
    "--partition", "slow-fast", "--phase", "slow", "--phase", "fast", "--name", "a",
    "--title", "A title", "--adapter-dtype", "bf16", "--save-every", "1", "--keep-state", "--log",
    "--preview", "a large red square", "--preview-every", "2",
  ]

  /// What every step depends on, and nothing else, in the order of the list.
  private static let stepSettings: JSONObject = [
    "resolution": "96x96", "text-tokens": 64, "precision": "bfloat16", "rank": 2, "alpha": 3.0,
    "strength": 0.5,
    "targets": "attention",
    "batch": 2, "lr": 0.001, "warmup": 1, "weight-decay": 0.1, "beta1": 0.8, "beta2": 0.99,
    "eps": 1e-7, "clip": 2.0, "caption-dropout": 0.5, "objective": "interval:2",
    "weighting": "sigma", "cfg": 2.0, "distill-guidance": true, "guidance": 2.0, "seed": "7",
  ]

  /// What does not reach a configuration: what is said once, and of the command itself.
  private static let unsaved: Set = [
    "cache", "cache-limit", "no-cache", "config", "resume", "force", "dry-run", "json", "quiet",
    "verbose", "threads", "version", "devices",
    "help", "learning-rate",
  ]

  private func run() throws -> FilePath {
    let sample = Fixtures.model("sample")
    let outcome = try command.run(
      [
        "--model", Fixtures.model("tiny-flux").string, "--transformer",
        Fixtures.model("tiny-flux").appending("transformer").string, "--base",
        Fixtures.model("tiny-flux").appending("transformer").string, "--output",
        folder.path.appending("out").string, "--image", sample.appending("00.png").string,
        "--caption=-x", "-q",
      ] + Self.options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return folder.path.appending("out")
  }

  /// docs/does-it-work.md.
  @Test(
    "are those of the recommended recipes, where their file is given",
    arguments: [
      ("tiny-flux", "flux1-1+1", "glance-1+1", "path:32", 4, "modulation", 3e-4, nil),
      ("tiny-flux", "flux1-2+2", "glance-2+2", "path:32", 4, "modulation", 3e-4, nil),
      ("tiny-qwen-image", "qwen-image-1+1", "glance-1+1", "interval:5", 1, "reference", 3e-4, nil),
      ("tiny-qwen-image", "qwen-image-2+2", "glance-2+2", "path:32", 4, "attention", 5e-5, 0.5),
    ] as [(String, String, String, String, Int, String, Double, Double?)])
  func recipe(
    model: String, file: String, preset: String, objective: String, batch: Int, targets: String,
    rate: Double, strength: Double?
  ) throws {
    let outcome = try command.run([
      "--config", Fixtures.model("../formats/recipes/\(file).json").string, "--model",
      Fixtures.model(model).string, "--image", Fixtures.model("sample/00.png").string, "--caption",
      "a cat",
      "--output", folder.path.appending("out").string, "--dry-run", "--json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let settings = try #require(try JSONValue(parsing: outcome.output)["settings"])
    #expect(settings["preset"]?.string == preset)
    #expect(settings["objective"]?.string == objective)
    #expect(settings["batch"]?.integer == batch)
    #expect(settings["targets"]?.string == targets)
    #expect(settings["lr"]?.double == rate)
    #expect(settings["strength"]?.double == strength)
  }

  @Test("half the strength saves half of every B, exactly")
  func strength() throws {
    func ups(_ strength: String) throws -> [[Float]] {
      let out = folder.path.appending("out-" + strength)
      let outcome = try command.run([
        "--model", Fixtures.model("tiny-flux").string, "--image",
        Fixtures.model("sample/00.png").string, "--caption", "a cat", "--output", out.string,
        "--name", "a", "--phase", "slow", "--rank", "2", "--steps", "1", "--strength", strength,
        "-q",
      ])
      try #require(outcome.status == 0, "\(outcome.errors)")
      return try SafetensorsFile(opening: out.appending("a-slow.safetensors")).tensors
        .filter { $0.name.hasSuffix("lora_B.weight") }.map { $0.floats() }
    }
    let (whole, half) = (try ups("1"), try ups("0.5"))
    #expect(whole.joined().contains { $0 != 0 })
    // A half of a float is a float.
    #expect(half == whole.map { $0.map { $0 / 2 } })
  }

  @Test("every option of the help is in the saved configuration, or has a reason not to be")
  func configuration() throws {
    let help = try command.run(["--help"]).output
    let options = Set(
      help.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "-") })
        .filter { $0.hasPrefix("--") && $0.count > 2 }.map { String($0.dropFirst(2)) })
    try #require(options.count > 40)
    let saved = try JSONValue(parsing: Fixtures.text(try run().appending("a.config.json")))
    let keys = Set(saved.object?.members.map(\.key) ?? [])
    // One sample or a folder of them, with a caption each or on every line: the run had the one. The published
    // arithmetic has no teacher. The run was on the processor, which is not saved, and had no PyTorch; with previews
    // experts are trained one after the other.
    let others: Set = [
      "data", "caption-lines", "compat", "device", "device-memory", "torch", "phases-at-once",
    ]
    #expect(options.subtracting(Self.unsaved).subtracting(others) == keys)
    for member in Self.stepSettings.members { #expect(saved[member.key] == member.value) }
    #expect(saved["memory"] == 8_000_000_000)
    #expect(saved["fast-steps"] == "10,20")
  }

  @Test("all that decides the steps is in the state, and with how it is written in the metadata")
  func stateAndMetadata() throws {
    let out = try run()
    let state = try SafetensorsFile(
      opening: out.appending("a-slow.state").appending("step-000002.safetensors"))
    let identity = try #require(
      state.metadata.first { $0.key == "settings" }.flatMap {
        try JSONValue(parsing: $0.value).object
      })
    let digests = ["base_sha256", "sample_sha256"]
    #expect(
      identity.members.map(\.key)
        == ["phase", "sigmas"] + Self.stepSettings.members.map(\.key) + digests)
    for member in Self.stepSettings.members { #expect(identity[member.key] == member.value) }
    let expert = try SafetensorsFile(opening: out.appending("a-slow.safetensors"))
    let settings = try #require(
      expert.metadata.first { $0.key == "glance.settings" }.flatMap {
        try JSONValue(parsing: $0.value).object
      })
    var expected = Self.stepSettings
    expected["steps"] = 2
    expected["title"] = "A title"
    expected["adapter-dtype"] = "bf16"
    expected["legacy-file"] = false
    #expect(settings.members.map(\.key).sorted() == expected.members.map(\.key).sorted())
    for member in expected.members { #expect(settings[member.key] == member.value) }
  }

  @Test("a configuration repeats its run from anywhere, its paths seen from its folder")
  func fromAnywhere() throws {
    let out = try run()
    let copied = try command.shell("cp -r '\(out)' '\(folder.path)/moved'")
    try #require(copied.status == 0)
    let again = try command.shell(
      "cd / && \"$COMMAND\" --config '\(folder.path)/moved/a.config.json' --resume")
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.errors.contains("slow: finished before, nothing to do\n"))
    #expect(again.output.contains("\(folder.path)/moved/a-slow.safetensors"))
    // Written by hand: model and picture beside the file, output below it.
    let prepared = try command.shell(
      "cd '\(folder.path)' && mkdir in && ln -s '\(Fixtures.model("tiny-flux"))' in/model && "
        + "cp '\(Fixtures.model("sample"))'/00.* in/")
    try #require(prepared.status == 0)
    try folder.write(
      Array(#"{"model": "model", "data": ".", "output": "../made/here", "steps": 1}"#.utf8),
      to: "in/c.json")
    let made = try command.run(["--config", folder.path.appending("in/c.json").string, "-q"])
    #expect(made.status == 0, "\(made.errors)")
    let file = folder.path.appending("made/here/glance-slow.safetensors")
    #expect(try contents(of: file).count > 1000)
    let saved = try JSONValue(
      parsing: Fixtures.text(folder.path.appending("made/here/glance.config.json")))
    #expect(saved["output"] == ".")
    #expect(saved["model"] == "../../in/model")
  }

  @Test("what is wrong in a configuration is said of the file")
  func wrongOptions() throws {
    let file = folder.path.appending("c.json")
    func refused(_ text: String, _ message: String, _ more: [String] = []) throws {
      try folder.write(Array(text.utf8), to: "c.json")
      let outcome = try command.run(["--config", file.string] + more)
      #expect(outcome.status == 64, "\(text)")
      #expect(outcome.errors == "glance-train-lora: \(file): \(message)\n")
    }
    let rest = "\"model\": \"m\", \"data\": \"d\", \"output\": \"o\""
    try refused(
      "{\(rest), \"stepz\": 3}", "Unknown option '--stepz': did you mean '--steps'?")
    // Before what is missing.
    try refused("{\"stepz\": 3}", "Unknown option '--stepz': did you mean '--steps'?")
    try refused(
      "{\(rest), \"epochs\": 3}",
      "Unknown option '--epochs': the length of a run is --steps N, for each expert")
    try refused(
      "{\(rest), \"steps\": 0}",
      "--steps: expected a whole number from 1 to 10000000, found 0")
    try refused(
      "{\(rest), \"lr\": -1}", "--lr: expected a number from 0 to 1000, found -1.0")
    // The command line's own mistake is not the file's.
    try folder.write(Array("{\(rest), \"steps\": 3}".utf8), to: "c.json")
    let own = try command.run(["--config", file.string, "--step", "3"])
    #expect(own.status == 64)
    #expect(own.errors.hasPrefix("glance-train-lora: Unknown option '--step'"), "\(own.errors)")
  }
}
