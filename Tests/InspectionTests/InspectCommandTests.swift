import JSON
import Safetensors
import SystemPackage
import TestSupport
import Testing

@Suite("glance-inspect")
struct InspectCommandTests {
  static let command = BuiltCommand("glance-inspect")
  let transformer = Fixtures.model("tiny-flux").appending("transformer").string
  let adapter = Goldens.folder("flux").appending("adapter_with_alpha.safetensors").string

  @Test func explainsAnAdapterOnOneScreen() throws {
    let run = try Self.command.run([adapter])
    #expect(run.status == 0)
    #expect(run.errors == "")
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 24)
    #expect(
      lines.dropFirst().prefix(8) == [
        "  LoRA adapter for FLUX.1", "", "  dialect     diffusers (PEFT names)",
        "  modules     20",
        "  targets     reference: attn.to_k ×6, attn.to_q ×6, attn.to_v ×6, attn.to_out.0 ×2",
        "  blocks      2 double, 4 single", "  rank        16",
        "  scale       4 = alpha 64 / rank 16 (from lora_adapter_metadata)",
      ])
  }

  @Test func printsOneJSONObject() throws {
    let run = try Self.command.run(["--json", transformer])
    #expect(run.status == 0)
    let object = try JSONValue(parsing: run.output)
    #expect(object["version"] == 1)
    #expect(object["family"] == "flux1")
    let two = try JSONValue(parsing: Self.command.run(["--json", transformer, adapter]).output)
    #expect(two["reports"]?.array?.compactMap { $0["kind"]?.string } == ["checkpoint", "lora"])
  }

  @Test func listsTensors() throws {
    let run = try Self.command.run([transformer, "--tensors", "x_embedder.*"])
    #expect(run.status == 0)
    #expect(run.output.contains("  x_embedder.weight  BF16   [96, 64]"))
    #expect(run.output.hasSuffix("  2 tensors\n"))
    let all = try Self.command.run([transformer, "--tensors"])
    #expect(all.output.hasSuffix("  140 tensors\n"))
  }

  @Test func checksSilentlyOrWithOneLineAViolation() throws {
    let sound = try Self.command.run(["--check", transformer])
    #expect(sound.status == 0)
    #expect(sound.output == "\(transformer): sound\n")
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.safetensors")
    let source = try SafetensorsFile(
      opening: Fixtures.model("tiny-flux").appending("transformer")
        .appending("diffusion_pytorch_model.safetensors"))
    try writeSafetensors(Array(source.tensors.dropLast(2)), to: path, overwrite: false)
    let broken = try Self.command.run(["--check", path.string])
    #expect(broken.status == 65)
    #expect(broken.output == "")
    let missing = source.tensors.suffix(2).map(\.name).sorted()
    #expect(broken.errors.split(separator: "\n").count == 2)
    for name in missing {
      #expect(broken.errors.contains("glance-inspect: \(path): tensor '\(name)' "))
    }
  }

  @Test func aMissingFileEndsWith66AndTheOthersAreExplained() throws {
    let run = try Self.command.run(["/nowhere/x.safetensors", adapter])
    #expect(run.status == 66)
    #expect(run.errors.hasPrefix("glance-inspect: /nowhere/x.safetensors: cannot open: "))
    #expect(run.output.contains("LoRA adapter"))
  }

  @Test func untrustedTextIsEscaped() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.safetensors")
    try writeSafetensors(
      [TensorView(name: "x\u{1B}[2J\u{202E}y", shape: [1], [1])],
      metadata: [("k\u{7}", "v\u{9B}")], to: path, overwrite: false)
    for arguments in [[path.string, "--tensors"], ["--json", path.string], ["-v", path.string]] {
      let run = try Self.command.run(arguments)
      #expect(run.status == 0)
      for scalar in (run.output + run.errors).unicodeScalars where scalar != "\n" {
        #expect(!scalar.isUnsafeOnTerminals)
      }
    }
  }

  @Test func helpHasExamplesAndTheVersionIsNamed() throws {
    let help = try Self.command.run(["--help"])
    #expect(help.status == 0)
    #expect(help.output.contains("EXAMPLES:"))
    #expect(try Self.command.run(["--version"]).output.hasPrefix("glance-inspect "))
    #expect(try Self.command.run(["--check", "--json", adapter]).status == 64)
  }

  /// Loading OpenBLAS would cost milliseconds at start and a pool of threads.
  @Test func doesNotLoadOpenBLAS() throws {
    let run = try Self.command.shell("ldd $COMMAND")
    #expect(run.output.contains("libjson-c"))
    #expect(!run.output.contains("blas"))
  }
}
