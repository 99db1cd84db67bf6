import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What the commands do with an adapter whose metadata name another model than its modules.
@Suite("An adapter for another model")
struct AdapterFamilyCommandTests {
  private let folder: TemporaryFolder
  private let klein = Fixtures.report(
    "attention_lora_metadata_names_another_model", "lora.safetensors")
  private var output: FilePath { folder.path.appending("out.safetensors") }

  init() throws { folder = try TemporaryFolder() }

  private func run(_ command: String, _ arguments: [String]) throws -> BuiltCommand.Outcome {
    try BuiltCommand(command).run(arguments)
  }

  /// An adapter of the tiny FLUX.1 that says it is for Chroma.
  private func chroma() throws -> FilePath {
    let path = folder.path.appending("chroma.safetensors")
    let stem = "transformer.single_transformer_blocks.0.attn.to_q"
    try writeSafetensors(
      [
        TensorView(
          name: stem + ".lora_A.weight", shape: [1, 96], [Float](repeating: 0.5, count: 96)),
        TensorView(
          name: stem + ".lora_B.weight", shape: [96, 1], [Float](repeating: 0.25, count: 96)),
      ], metadata: [("ss_base_model_version", "chroma")], to: path, overwrite: false)
    return path
  }

  @Test func isShownByInspect() throws {
    let found = try run("glance-inspect", [klein.string])
    #expect(
      found.output.contains(
        "error: its modules are those of FLUX.1, and its metadata say FLUX.2 "
          + "(modelspec.architecture = flux-2-klein-4b/lora, ss_base_model_version = flux2_klein_4b)"
      ))
    let json = try JSONValue(parsing: run("glance-inspect", [klein.string, "--json"]).output)
    #expect(json["family"] == .null)
    #expect(json["families"]?.array?.compactMap(\.string) == ["flux1"])
  }

  @Test func isConvertedOnlyWhenSaidWhatItIsFor() throws {
    let arguments = [klein.string, "--dialect", "diffusers", "--output", output.string]
    let refused = try run("glance-convert", arguments)
    #expect(refused.status == 65)
    #expect(refused.errors.contains("its metadata say FLUX.2"))
    #expect(refused.errors.contains("--family flux1"))
    #expect(folder.entries == [])
    let converted = try run("glance-convert", arguments + ["--family", "flux1"])
    #expect(converted.status == 0)
    #expect(
      converted.errors.contains(
        "ss_base_model_version = flux2_klein_4b), which counts for nothing here"))
    let file = try SafetensorsFile(opening: output)
    #expect(!file.metadata.contains { $0.value.contains("klein") })
    #expect(file.tensors.count == 8)
    let unknown = try run("glance-convert", arguments + ["--force", "--family", "wan"])
    #expect(unknown.status == 64)
    #expect(
      unknown.errors.contains("--family: expected flux1 or qwen-image, found 'wan'"))
  }

  @Test func isMergedOnlyWhenSaidWhatItIsFor() throws {
    let base = Fixtures.model("tiny-flux").appending("transformer").string
    let arguments = [base, try chroma().string, "--output", output.string]
    let refused = try run("glance-merge", arguments)
    #expect(refused.status == 65)
    #expect(refused.errors.contains("its metadata say Chroma (ss_base_model_version = chroma)"))
    #expect(folder.entries == ["chroma.safetensors"])
    let merged = try run("glance-merge", arguments + ["--family", "flux1"])
    #expect(merged.status == 0, "\(merged.errors)")
    #expect(folder.entries == ["chroma.safetensors", "out.safetensors"])
    let unknown = try run("glance-merge", arguments + ["--force", "--family", "wan"])
    #expect(unknown.status == 64)
  }

  @Test func loadersOfOtherModelsAreNotSimulated() throws {
    let path = folder.path.appending("wan.safetensors")
    try writeSafetensors(
      [
        TensorView(
          name: "diffusion_model.blocks.0.self_attn.q.lora_A.weight", shape: [1, 4], [1, 1, 1, 1]),
        TensorView(
          name: "diffusion_model.blocks.0.self_attn.q.lora_B.weight", shape: [4, 1], [1, 1, 1, 1]),
      ], to: path, overwrite: false)
    let found = try run("glance-inspect", [path.string])
    #expect(found.output.contains("  LoRA adapter for Wan, which is not read\n"))
    #expect(found.output.contains("  modules     1\n"))
    let asked = try run("glance-inspect", [path.string, "--as", "diffusers"])
    #expect(asked.status != 0)
    #expect(
      asked.errors.contains(
        "an adapter for Wan; --as knows what loaders do with those of FLUX.1 and Qwen-Image"))
  }
}
