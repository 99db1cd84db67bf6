import Files
import JSON
import ModelTestSupport
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// `--device` and what goes with it.
@Suite("Devices", .serialized)
struct DeviceCommandTests {
  private let folder: TemporaryFolder
  private let sample = BuiltCommand("glance-sample")
  private let train = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

  /// Where no PyTorch is found.
  private var without: [String: String] {
    ["GLANCE_TORCH": "", "VIRTUAL_ENV": "", "XDG_DATA_HOME": folder.path.string]
  }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func draw(
    _ name: String, _ more: [String], environment: [String: String] = [:]
  ) throws -> BuiltCommand.Outcome {
    try sample.run(
      [
        "--model", Fixtures.model("tiny-flux").string, "--size", "64x64", "--prompt", "a red star",
        "--schedule", "teacher:4", "--output", path(name + ".png"), "--save-latents",
        path(name + ".safetensors"), "--json",
      ] + more, environment: environment)
  }

  @Test("are listed without other options, with the reason why there are none")
  func listing() throws {
    let expected =
      "cpu     this machine's processors, without PyTorch (the default)\n"
      + "others  no PyTorch found in GLANCE_TORCH (unset), VIRTUAL_ENV (unset), \(path("glance/torch")): "
      + "name its folder with --torch, or have tools/setup-gpu install one\n"
    for (command, words) in [
      ("glance-sample", []), ("glance-train-lora", []), ("glance-eval", ["run"]),
    ] {
      let outcome = try BuiltCommand(command).run(words + ["--devices"], environment: without)
      #expect(outcome.status == 0 && outcome.output == expected && outcome.errors == "")
    }
  }

  @Test("that need PyTorch are refused on one line where there is none")
  func noTorch() throws {
    let outcome = try draw("a", ["--device", "cuda"], environment: without)
    #expect(outcome.status == 69)
    #expect(
      outcome.errors
        == "glance-sample: no PyTorch found in GLANCE_TORCH (unset), VIRTUAL_ENV (unset), "
        + "\(path("glance/torch")): name its folder with --torch, or have tools/setup-gpu install one\n"
    )
  }

  @Test(
    "are refused where options contradict each other",
    arguments: [
      (["--torch", "/nowhere"], "--torch needs a --device of PyTorch's, such as --device cuda."),
      (
        ["--device-memory", "8GB"],
        "--device-memory needs a --device of PyTorch's, such as --device cuda."
      ),
      (["--device", "mps", "--blas"], "--blas is the processor's own; leave --device out."),
    ])
  func contradictions(options: [String], message: String) throws {
    let outcome = try draw("a", options)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(message))
  }

  @Test("draw what the host draws, with the same bytes every time", FoundTorch.isThere)
  func drawing() throws {
    let runs = try ["a", "b"].map { try draw($0, ["--device", FoundTorch.deviceText]) }
    let host = try draw("host", [])
    for outcome in runs + [host] { #expect(outcome.status == 0, "\(outcome.errors)") }
    let name = try JSONValue(parsing: runs[0].output)["arithmetic"]?.string
    let hostName = try JSONValue(parsing: host.output)["arithmetic"]?.string ?? "-"
    #expect(name?.hasPrefix(hostName + ", transformers on PyTorch ") == true)
    #expect(name?.contains(", \(FoundTorch.deviceText)") == true)
    func latents(_ name: String) throws -> [Float] {
      let file = try SafetensorsFile(opening: folder.path.appending(name + ".safetensors"))
      return try file.tensor(named: "latents").floats()
    }
    let found = try latents("a")
    #expect(found == (try latents("b")))
    // On a processor both are float32.
    #expect(
      relativeError(found, try latents("host")) <= (name?.contains("float32") == true ? 1e-5 : 0.05)
    )
  }

  @Test(
    "train, are recorded, and repeated by the saved options to the same bytes", FoundTorch.isThere)
  func training() throws {
    let options = ["--steps", "3", "--phase", "slow", "--device", FoundTorch.deviceText]
    let outcome = try train.run(tinyTraining(in: folder, options))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let file = folder.path.appending("out/a-slow.safetensors")
    let metadata = try SafetensorsFile(opening: file).metadata
    let arithmetic = metadata.first { $0.key == "glance.arithmetic" }?.value
    #expect(arithmetic?.contains(", transformers on PyTorch ") == true)
    let saved = try JSONValue(parsing: Fixtures.text(folder.path.appending("out/a.config.json")))
    #expect(saved["device"]?.string == FoundTorch.deviceText)
    let before = try readWhole(file, atMost: 1 << 24)
    let again = try train.run(["--config", path("out/a.config.json"), "--force"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try readWhole(file, atMost: 1 << 24) == before)
    // Two steps, then the third.
    let shorter = [
      "--config", path("out/a.config.json"), "--force", "--steps", "2", "--keep-state",
    ]
    for arguments in [
      shorter, ["--config", path("out/a.config.json"), "--steps", "3", "--resume"],
    ] {
      let outcome = try train.run(arguments)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(!outcome.errors.contains("warning"), "\(outcome.errors)")
    }
    let resumed = try SafetensorsFile(opening: file)
    #expect(resumed.metadata.first { $0.key == "glance.arithmetic" }?.value == arithmetic)
    #expect(try readWhole(file, atMost: 1 << 24) == before)
  }

  /// What a dry run says of the device, with so much of its memory.
  private func place(_ words: [String], memory: Int) throws -> JSONValue {
    let outcome = try draw("plan", words + ["--dry-run", "--device-memory", "\(memory)"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try #require(try JSONValue(parsing: outcome.output)["device"])
  }

  private func number(_ object: JSONValue, _ key: String) throws -> Int {
    Int(try #require(object[key]?.integer))
  }

  /// Tiny models take next to nothing beside the 1.6 GB that nobody plans.
  @Test(
    "hold all blocks or a ring, as a dry run tells, which draws the same, or refuse",
    FoundTorch.isThere)
  func rings() throws {
    let words = ["--device", FoundTorch.deviceText]
    // The autoencoder has room there where there is more.
    let large = try place(words, memory: 4_000_000_000)
    #expect(large["host"]?["autoencoder"] == false && large["free_bytes"] == 4_000_000_000)
    let all = try place(words, memory: 1_700_000_000)
    #expect(all["host"]?["autoencoder"] == true)
    #expect(all["name"]?.string == FoundTorch.deviceText)
    #expect(all["blocks"] == 6 && all["resident_blocks"] == 6 && all["ring"] == .null)
    #expect(all["free_bytes"] == 1_700_000_000 && all["host"]?["modulation_bytes"] == 0)
    let bytes = try number(all, "bytes")
    #expect(
      try bytes == number(all, "resident_bytes") + number(all, "widened_bytes")
        + number(all, "beside_bytes") + number(all, "reserve_bytes"))
    let ring = try place(words, memory: bytes - 1)
    let slots = try #require(ring["ring"])
    #expect(slots["slots"] == 2 && slots["copies_beside_computing"] == true)
    #expect(try number(ring, "resident_blocks") < 6)
    #expect(
      try number(ring, "resident_bytes") + number(slots, "streamed_bytes")
        == number(all, "resident_bytes"))
    func latents(_ name: String, _ more: [String]) throws -> [Float] {
      let outcome = try draw(name, words + more)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let file = try SafetensorsFile(opening: folder.path.appending(name + ".safetensors"))
      return try file.tensor(named: "latents").floats()
    }
    #expect(
      try latents("ring", ["--device-memory", "\(bytes - 1)"]) == latents("all", []))
    let refused = try draw("refused", words + ["--device-memory", "1GB"])
    #expect(refused.status == 69)
    #expect(
      refused.errors
        == "glance-sample: --device \(FoundTorch.deviceText): 903 kB of weights, a ring of 2 slots of 442 kB for "
        + "other blocks and 1.6 GB beside them do not fit into 1.0 GB that are free of 1.0 GB: take a smaller picture "
        + "(--size, --resolution), more --device-memory where that is given, or another --device\n")
  }

  @Test("are told of before training, line by line", FoundTorch.isThere)
  func trainingPlan() throws {
    let words = [
      "--device", FoundTorch.deviceText, "--dry-run", "--memory", "1MB", "--device-memory",
    ]
    let all = try train.run(tinyTraining(in: folder, words + ["4GB"]))
    #expect(all.status == 0, "\(all.errors)")
    #expect(
      all.output.contains("\(FoundTorch.deviceText): all 6 blocks stay there, "), "\(all.output)")
    #expect(all.output.contains(" the autoencoder is computed there\n"), "\(all.output)")
    #expect(all.output.contains(" text encoders are computed there, a layer at a time"))
    #expect(all.output.contains(" of 4.0 GB that are free there\n"))
    let plan = try train.run(tinyTraining(in: folder, words + ["1.7GB", "--json"]))
    let bytes = try number(
      try #require(try JSONValue(parsing: plan.output)["device"]), "bytes")
    let ring = try train.run(tinyTraining(in: folder, words + ["\(bytes - 1)"]))
    #expect(ring.output.contains(" go through a ring of 2 slots of "), "\(ring.output)")
    #expect(ring.output.contains(" the autoencoder stays on the host\n"))
    #expect(
      ring.output.contains(" for every sweep over the blocks, copied while others are computed\n"))
  }
}
