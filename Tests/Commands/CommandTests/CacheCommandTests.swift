import JSON
import SystemPackage
import TestSupport
import Testing

/// Results that are kept for other runs, as people meet them.
@Suite("The cache of glance-train-lora and glance-sample", .serialized)
struct CacheCommandTests {
  private let folder: TemporaryFolder
  private let trainer = BuiltCommand("glance-train-lora")
  private let sampler = BuiltCommand("glance-sample")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func training(
    _ output: String, model: FilePath = Fixtures.model("tiny-flux"), _ more: String...
  ) -> [String] {
    [
      "--model", model.string, "--caption", "a small blue circle", "--steps", "2", "--rank", "2",
      "--image", Fixtures.model("sample").appending("00.png").string, "--output", path(output),
    ] + more
  }

  private func drawing(
    _ output: String, model: FilePath = Fixtures.model("tiny-flux"), _ more: String...
  ) -> [String] {
    [
      "--model", model.string, "--prompt", "a red star", "--size", "96x96", "--schedule",
      "teacher:2", "--cfg", "2", "--output", path(output + ".png"),
      "--save-latents", path(output + ".safetensors"),
    ] + more
  }

  @discardableResult
  private func run(_ command: BuiltCommand, _ arguments: [String]) throws -> BuiltCommand.Outcome {
    let outcome = try command.run(arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    try contents(of: folder.path.appending(name))
  }

  private func experts(_ output: String) throws -> [[UInt8]] {
    try ["slow", "fast"].map { try bytes("\(output)/glance-\($0).safetensors") }
  }

  private var entries: [String] {
    TemporaryFolder.names(in: folder.path.appending("c")).filter { $0.hasSuffix(".safetensors") }
  }

  @Test(
    "experts are the same bytes without it, with an empty and with a full one",
    arguments: ["tiny-flux", "tiny-qwen-image"])
  func trainingIsTheSame(model: String) throws {
    let model = Fixtures.model(model)
    let (c, losses) = (
      path("c"),
      { (outcome: BuiltCommand.Outcome) in
        try JSONValue(parsing: outcome.output)["experts"]?.array?.map { $0["losses"] }
      }
    )
    let none = try run(trainer, training("none", model: model, "--no-cache", "--json"))
    #expect(folder.entries == ["none"])
    let cold = try run(trainer, training("cold", model: model, "--cache", c, "--json"))
    let warm = try run(
      trainer, training("warm", model: model, "--cache", c, "--json", "--verbose"))
    #expect(try experts("cold") == experts("none") && experts("warm") == experts("none"))
    #expect(try losses(none)?.count == 2 && losses(cold) == losses(none))
    #expect(try losses(warm) == losses(none))
    // Qwen-Image drops some captions, for the empty one.
    let count = model.string.hasSuffix("tiny-flux") ? 1 : 2
    #expect(
      warm.errors.contains("captions encoded by an earlier run: \(count)\n"), "\(warm.errors)")
    #expect(warm.errors.contains("00.png was encoded by an earlier run"), "\(warm.errors)")
    #expect(!cold.errors.contains("earlier run") && !cold.errors.contains("warning"))
    // Another number of threads finds the same.
    let before = entries
    try run(trainer, training("threads", model: model, "--cache", c, "--threads", "1"))
    #expect(try experts("threads") == experts("none") && entries == before)
    // Another precision doesn't.
    let bf16 = try run(
      trainer,
      training("bf16", model: model, "--cache", c, "--precision", "bfloat16", "--verbose"))
    #expect(!bf16.errors.contains("earlier run"))
    try run(trainer, training("bf16-none", model: model, "--precision", "bfloat16"))
    #expect(try experts("bf16") == experts("bf16-none") && experts("bf16") != experts("none"))
  }

  @Test("a dry run tells what is kept, and keeps nothing")
  func dryRun() throws {
    let cold = try run(trainer, training("a", "--cache", path("c"), "--dry-run"))
    let line = "from earlier runs: "
    let nothing = "0 of 1 caption, 0 of 1 picture, 0 of 10 losses of the base\n"
    #expect(cold.output.contains(line + nothing), "\(cold.output)")
    #expect(folder.entries == [])
    try run(trainer, training("a", "--cache", path("c"), "--phase", "slow"))
    let warm = try run(trainer, training("b", "--cache", path("c"), "--dry-run"))
    let all = "1 of 1 caption, 1 of 1 picture, 5 of 10 losses of the base\n"
    #expect(warm.output.contains(line + all), "\(warm.output)")
    let json = try JSONValue(
      parsing: run(trainer, training("b", "--cache", path("c"), "--dry-run", "--json")).output)
    #expect(
      json["kept"] == [
        "captions": ["kept": 1, "all": 1], "pictures": ["kept": 1, "all": 1],
        "base_losses": ["kept": 5, "all": 10], "walks": .null,
      ])
    let without = try run(trainer, training("b", "--dry-run"))
    #expect(!without.output.contains("earlier runs"))
    // Prompts that were captions are known to the sampler.
    let sample = try run(
      sampler,
      drawing("x", "--cache", path("c"), "--prompt", "a small blue circle", "--dry-run"))
    #expect(sample.output.contains("encoded by an earlier run: 1 of 3 texts\n"))
  }

  @Test("the memory of encoding a picture is not planned where its latent is kept")
  func memory() throws {
    // A step that computes its blocks again takes less than encoding.
    let large = [
      "--resolution", "256x256", "--cache", path("c"), "--phase", "slow", "--memory", "1MB",
    ]
    func bytes() throws -> Int? {
      try JSONValue(parsing: run(trainer, training("b") + large + ["--dry-run", "--json"]).output)[
        "memory_bytes"]?.integer
    }
    let cold = try #require(try bytes())
    try run(trainer, training("a") + large)
    #expect(try #require(try bytes()) < cold)
  }

  @Test(
    "pictures and latents are the same bytes without it, with an empty and with a full one",
    arguments: ["tiny-flux", "tiny-qwen-image"])
  func drawingIsTheSame(model: String) throws {
    let model = Fixtures.model(model)
    try run(sampler, drawing("none", model: model))
    #expect(folder.entries == ["none.png", "none.safetensors"])
    let cold = try run(
      sampler, drawing("cold", model: model, "--cache", path("c"), "--verbose"))
    let warm = try run(
      sampler, drawing("warm", model: model, "--cache", path("c"), "--verbose"))
    #expect(cold.errors.contains("encoded by an earlier run: 0 of 2 texts"))
    #expect(warm.errors.contains("encoded by an earlier run: 2 of 2 texts"))
    for name in ["cold", "warm"] {
      #expect(try bytes(name + ".png") == bytes("none.png"))
      #expect(try bytes(name + ".safetensors") == bytes("none.safetensors"))
    }
    #expect(entries.count == 2)
  }

  @Test("damaged entries are warned of and change nothing")
  func damaged() throws {
    try run(trainer, training("none"))
    try run(trainer, training("cold", "--cache", path("c")))
    let names = entries
    // A caption, a latent, and five losses of each expert.
    #expect(names.count == 12)
    for name in names {
      var bytes = try bytes("c/" + name)
      bytes[bytes.count - 1] ^= 0x40
      try folder.write(bytes, to: "c/" + name)
    }
    let outcome = try run(trainer, training("again", "--cache", path("c")))
    #expect(try experts("again") == experts("none"))
    for name in names {
      #expect(
        outcome.errors.contains(
          "warning: \(path("c"))/\(name): damaged; it is not used, and made anew\n"),
        "\(outcome.errors)")
    }
    let healed = try run(trainer, training("healed", "--cache", path("c")))
    #expect(!healed.errors.contains("damaged"))
  }

  @Test("another model of the same names and sizes finds nothing of this one")
  func otherModel() throws {
    func edit(_ tensors: [String]) throws {
      for name in tensors {
        // A bit of every other number, or of every one, in the file's second half, which tensors fill.
        var bytes = try bytes("m/" + name)
        for place in stride(from: bytes.count - 2, to: bytes.count / 2, by: -4) {
          bytes[place] ^= 0x10
        }
        try folder.write(bytes, to: "m/" + name)
      }
    }
    let model = folder.path.appending("m")
    let copied = try trainer.shell("cp -rL '\(Fixtures.model("tiny-flux"))' '\(model)'")
    try #require(copied.status == 0)
    try run(trainer, training("before", model: model, "--cache", path("c")))
    let first = entries
    for component in ["text_encoder_2/model", "vae/diffusion_pytorch_model"] {
      try edit([component + ".safetensors"])
      let name = component.prefix { $0 != "/" }
      try run(trainer, training("\(name)", model: model, "--cache", path("c")))
      try run(trainer, training("\(name)-none", model: model))
      #expect(try experts("\(name)") == experts("\(name)-none"))
    }
    #expect(try experts("text_encoder_2") != experts("before"))
    #expect(entries.count > first.count && Set(first).isSubset(of: entries))
  }

  @Test("a folder that takes nothing is warned of once, and nothing else changes")
  func unwritable() throws {
    try run(trainer, training("none"))
    try folder.write([], to: "file")
    let outcome = try run(trainer, training("a", "--cache", path("file/c")))
    #expect(try experts("a") == experts("none"))
    #expect(
      outcome.errors.split(separator: "\n").filter { $0.contains("warning") }.count == 1,
      "\(outcome.errors)")
    #expect(outcome.errors.contains("warning: results are not kept for other runs: "))
  }

  @Test("processes may share it at once")
  func shared() throws {
    try run(trainer, training("none"))
    let running = try (0..<3).map { number in
      try trainer.start(training("at-once-\(number)", "--cache", path("c")))
    }
    for (number, running) in running.enumerated() {
      let outcome = try running.outcome()
      #expect(outcome.status == 0 && !outcome.errors.contains("warning"), "\(outcome.errors)")
      #expect(try experts("at-once-\(number)") == experts("none"))
    }
    #expect(entries.count == 12)
  }

  @Test("is found by the environment, and switched off")
  func places() throws {
    let arguments = training("out", "--force").map { "'\($0)'" }.joined(separator: " ")
    func run(_ variables: String, _ more: String = "") throws {
      let outcome = try trainer.shell("env \(variables) \"$COMMAND\" \(arguments) \(more)")
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let (home, xdg, own) = (path("home"), path("xdg"), path("own"))
    try run("-u GLANCE_CACHE -u XDG_CACHE_HOME HOME=\(home)", "--no-cache")
    try run("GLANCE_CACHE= HOME=\(home)")
    try run("-u GLANCE_CACHE -u XDG_CACHE_HOME HOME=relative")
    #expect(folder.entries == ["out"])
    try run("-u GLANCE_CACHE XDG_CACHE_HOME=relative HOME=\(home)")
    #expect(TemporaryFolder.names(in: folder.path.appending("home/.cache/glance")).count == 13)
    try run("-u GLANCE_CACHE XDG_CACHE_HOME=\(xdg) HOME=\(home)")
    #expect(TemporaryFolder.names(in: folder.path.appending("xdg/glance")).count == 13)
    try run("GLANCE_CACHE=\(own) XDG_CACHE_HOME=\(xdg)")
    #expect(TemporaryFolder.names(in: folder.path.appending("own")).count == 13)
    let both = try trainer.run(training("x", "--cache", path("c"), "--no-cache"))
    #expect(both.status == 64)
    #expect(both.errors.contains("--cache and --no-cache exclude each other."))
  }

  @Test("a limit removes what was not used for longest")
  func limit() throws {
    try run(trainer, training("a", "--cache", path("c")))
    let all = entries.count
    try run(trainer, training("b", "--cache", path("c"), "--seed", "1", "--cache-limit", "60kB"))
    let sizes = try entries.map { try bytes("c/" + $0).count }
    #expect(sizes.reduce(0, +) <= 60_000 && entries.count > 0 && entries.count < 2 * all)
    try run(trainer, training("none", "--seed", "1"))
    #expect(try experts("b") == experts("none"))
  }
}
