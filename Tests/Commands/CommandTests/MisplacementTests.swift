import Files
import SystemPackage
import TestSupport
import Testing

/// Files in places of others, and names that nothing is written under.
@Suite("What stands in the wrong place")
struct MisplacementTests {
  private let folder: TemporaryFolder
  private let model = Fixtures.model("tiny-flux")
  private let adapter = Goldens.folder("flux").appending("adapter.safetensors").string

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  /// The first line of the errors of a run that must fail with a status.
  private func failure(_ status: Int32, _ command: String, _ arguments: [String]) throws -> String {
    let run = try BuiltCommand(command).run(arguments)
    #expect(run.status == status, "\(run.errors)")
    #expect(run.output == "")
    return run.errors.split(separator: "\n").first.map(String.init) ?? ""
  }

  private func sample(
    _ status: Int32, _ more: [String], model: String? = nil, output: String = "x.png"
  ) throws -> String {
    let arguments = [
      "--model", model ?? self.model.string, "--size", "32x32", "--prompt", "x", "--output",
      path(output),
    ]
    return try failure(status, "glance-sample", arguments + more)
  }

  @Test("is told of by glance-sample: strengths", arguments: ["abc", "1,5", "1.0x"])
  func strengths(text: String) throws {
    #expect(
      try sample(64, ["--lora", "\(adapter):\(text)"])
        == "glance-sample: \(adapter): strength '\(text)' is no number; expected one such as "
        + "\(adapter):0.8")
  }

  @Test("is told of by glance-sample: no file", arguments: [":0.5", "slow=:0.5", "slow="])
  func noFile(text: String) throws {
    #expect(
      try sample(64, ["--adapter", text])
        == "glance-sample: '\(text)' names no file; expected [phase=]file[:strength]")
  }

  @Test func isTheFileThatItIsForGlanceSample() throws {
    let transformer = model.appending("transformer").string
    #expect(
      try sample(64, ["--adapter", transformer])
        == "glance-sample: --adapter: \(transformer): a checkpoint (FLUX.1), expected an adapter; a "
        + "checkpoint in place of the model's transformer is --transformer")
    #expect(
      try sample(64, ["--transformer", adapter])
        == "glance-sample: --transformer: \(adapter): an adapter, expected a checkpoint; adapters "
        + "are --adapter")
    #expect(
      try sample(66, [], model: adapter)
        == "glance-sample: \(adapter): a file, expected a diffusers pipeline folder, which has a "
        + "model_index.json")
    #expect(
      try sample(64, ["--save-latents", path("latents")])
        == "glance-sample: --save-latents: expected a name that ends in .safetensors, found "
        + "'\(path("latents"))'")
  }

  @Test("is the name of an adapter's file", arguments: ["b", "b.gguf", "b.safetensor", "b.png"])
  func adapterNames(name: String) throws {
    let line = try failure(
      64, "glance-merge", ["--mode", "bundle", "slow=" + adapter, "--output", path(name)])
    #expect(
      line == "glance-merge: --output: an adapter is one .safetensors file, found '\(path(name))'"
        || line.hasPrefix(
          "glance-merge: --output: '\(name)' would be a folder; for one file write ")
    )
    #expect(folder.entries == [])
  }

  @Test(
    "is a folder that was meant to be a file",
    arguments: ["x.SAFETENSORS", "x.safetensor", "x.GGUF", "x.png", "x.zip"])
  func folderNames(name: String) throws {
    let transformer = model.appending("transformer").string
    let message =
      "--output: '\(name)' would be a folder; for one file write x.safetensors, else a name "
      + "without such an ending"
    #expect(
      try failure(64, "glance-convert", [transformer, "--output", path(name)])
        == "glance-convert: \(message)")
    #expect(
      try failure(64, "glance-merge", [transformer, adapter, "--output", path(name)])
        == "glance-merge: \(message)")
    #expect(folder.entries == [])
  }

  @Test func ranksAreNamedOneByOne() throws {
    let out = ["--output", path("x.safetensors")]
    #expect(
      try failure(64, "glance-merge", ["--mode", "adapter", adapter, "--resize-rank", "0"] + out)
        == "glance-merge: --resize-rank: expected a whole number from 1, found 0")
  }
}
