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
}
