import Glibc
import SystemPackage
import TestSupport
import Testing

/// The commands as people run them, on the shipped tiny models.
@Suite("glance-train-lora", .serialized)
struct TrainingCommandTests {
  private static let caption = "a small blue circle"
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  private func arguments(
    _ output: String, model: FilePath = Fixtures.model("tiny-flux"), _ more: String...
  ) -> [String] {
    let sample = Fixtures.model("sample")
    return [
      "--model", model.string, "--image", sample.appending("00.png").string,
      "--caption", Self.caption, "--output", folder.path.appending(output).string,
    ] + more
  }

  private func bytes(_ output: String, _ name: String) throws -> [UInt8] {
    try contents(of: folder.path.appending(output).appending(name))
  }

  @Test(
    "writes the same bytes for any number of threads", arguments: ["tiny-flux", "tiny-qwen-image"])
  func threads(model: String) throws {
    for threads in ["1", "2"] {
      let outcome = try command.run(
        arguments(
          threads, model: Fixtures.model(model), "--steps", "6", "--threads", threads, "--log"))
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("loss of base"))
    }
    for file in ["glance-slow.safetensors", "glance-fast.safetensors"] {
      #expect(try bytes("1", file) == bytes("2", file))
    }
    let log = String(decoding: try bytes("1", "glance.csv"), as: UTF8.self)
    // A header, and a line for each step of both experts.
    #expect(log.split(separator: "\n").count == 13)
    let report = String(decoding: try bytes("1", "glance-report.html"), as: UTF8.self)
    #expect(report.contains("<svg"))
  }

  @Test(
    "killed twenty times, and resumed, ends with the same bytes",
    arguments: ["float32", "bfloat16"]
  )
  func killed(precision: String) throws {
    let settings = ["--steps", "300", "--save-every", "5", "--quiet", "--precision", precision]
    #expect(try command.run(arguments("whole") + settings).status == 0)
    let killed = try command.runKilled(
      20, saving: folder.path.appending("killed"), arguments("killed") + settings + ["--resume"])
    #expect(killed.end.status == 0, "\(killed.end.errors)")
    #expect(killed.kills == 20 && killed.saves == 10, "\(killed.kills), \(killed.saves)")
    for file in ["glance-slow.safetensors", "glance-fast.safetensors"] {
      #expect(try bytes("whole", file) == bytes("killed", file))
    }
  }

  @Test("saves its state when interrupted, and refuses another learning rate for it")
  func interrupted() throws {
    let settings = ["--steps", "100000", "--save-every", "50"]
    let running = try command.start(arguments("stopped") + settings)
    #expect(running.waits(for: folder.path.appending("stopped").appending("glance-slow.state")))
    running.send(SIGINT)
    let outcome = try running.outcome()
    #expect(outcome.status == 130)
    #expect(outcome.errors.contains("--resume"))
    let other = try command.run(arguments("stopped") + settings + ["--resume", "--lr", "0.1"])
    #expect(other.status == 65)
    #expect(other.errors.contains("'lr'"))
    let again = try command.run(arguments("stopped") + settings)
    #expect(again.status == 73)
  }

  @Test func configurationFileRepeatsARunAndUnknownKeysAreRefused() throws {
    #expect(try command.run(arguments("first", "--steps", "5", "--lr", "0.001")).status == 0)
    let saved = folder.path.appending("first").appending("glance.config.json")
    let repeated = try command.run([
      "--config", saved.string, "--output", folder.path.appending("second").string,
    ])
    #expect(repeated.status == 0, "\(repeated.errors)")
    let file = "glance-slow.safetensors"
    #expect(try bytes("first", file) == bytes("second", file))
    let unknown = folder.path.appending("c.json")
    #expect(try command.shell("printf '{\"stepz\": 3}' > '\(unknown)'").status == 0)
    let outcome = try command.run(arguments("third", "--config", unknown.string))
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("stepz"))
  }

  @Test func presetOfAnotherFamilyIsWarnedOf() throws {
    let outcome = try command.run(arguments("nothing", "--dry-run", "--preset", "lightning-4"))
    #expect(outcome.status == 0)
    #expect(
      outcome.errors
        == "glance-train-lora: warning: --preset lightning-4: a preset for Qwen-Image, and this "
        + "model is FLUX.1; its steps may not suit it\n")
  }

  @Test func dryRunWritesNothing() throws {
    let outcome = try command.run(arguments("nothing", "--dry-run"))
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("memory"))
    #expect(folder.entries == [])
  }

  @Test("says what is wrong in one line, and leaves nothing behind")
  func wrongInputs() throws {
    let model = folder.path.appending("model")
    func refuse(
      _ change: String, _ status: Int32, _ words: String, _ more: [String] = []
    ) throws {
      let copied = try command.shell(
        "rm -rf '\(model)'; cp -r '\(Fixtures.model("tiny-flux"))' '\(model)' && "
          + "cd '\(model)' && \(change)")
      #expect(copied.status == 0, "\(copied.errors)")
      let outcome = try command.run(arguments("out", model: model) + more)
      #expect(outcome.status == status, "\(change): \(outcome.errors)")
      #expect(outcome.errors.contains(words), "\(change): \(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      let made = folder.path.appending("out").appending("glance-slow.safetensors")
      #expect(throws: Errno.noSuchFileOrDirectory) { try FileDescriptor.open(made, .readOnly) }
    }
    let weights = "transformer/diffusion_pytorch_model.safetensors"
    try refuse("rm -r vae", 66, "vae")
    try refuse("truncate -s -1000 \(weights)", 65, "diffusion_pytorch_model.safetensors")
    try refuse(
      "sed -i 's/\"attention_head_dim\": 32/\"attention_head_dim\": 64/' transformer/config.json",
      65, "config.json")
    // NaN in the last weight of the file.
    try refuse(
      "printf '\\377\\177' | dd of=\(weights) bs=1 conv=notrunc status=none "
        + "seek=$(($(stat -c %s \(weights)) - 2))", 65, "NaN", ["--steps", "3"])
    let blank = try command.run(arguments("out").map { $0 == Self.caption ? " " : $0 })
    #expect(blank.status == 65)
    #expect(blank.errors.contains("caption"))
    let text = try command.shell(
      "echo text > '\(folder.path)/x.png'; $COMMAND --model '\(Fixtures.model("tiny-flux"))' "
        + "--image '\(folder.path)/x.png' --caption c --output '\(folder.path)/out'")
    #expect(text.status == 65)
    #expect(text.errors.contains("x.png"))
    let missing = try command.run(arguments("out", model: "/nowhere/model"))
    #expect(missing.status == 66)
  }

  @Test("follows the published code, and writes its defects only when asked")
  func published() throws {
    let qwen = Fixtures.model("tiny-qwen-image")
    let inspect = BuiltCommand("glance-inspect")
    let settings = ["--steps", "3", "--compat", "reference"]
    #expect(try command.run(arguments("clean", model: qwen) + settings).status == 0)
    let legacy = try command.run(
      arguments("legacy", model: qwen) + settings + ["--legacy-file"])
    #expect(legacy.status == 0)
    #expect(legacy.errors.contains("--legacy-file"))
    func keys(_ output: String) throws -> String {
      try inspect.run([
        folder.path.appending(output).appending("glance-slow.safetensors").string, "--tensors",
      ]).output
    }
    #expect(try keys("legacy").contains(".lora.down"))
    #expect(try keys("legacy").contains(".lora_A"))
    #expect(try !keys("clean").contains(".lora.down"))
    #expect(try keys("clean").contains("scale"))
  }
}
