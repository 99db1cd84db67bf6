import Inspection
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Inspecting")
struct InspectionTests {
  private func json(_ path: FilePath) throws -> JSONValue {
    try Inspected(of: path).json()
  }

  private func golden(_ family: String, _ file: String) -> FilePath {
    Goldens.folder(family).appending(file)
  }

  @Test func aTransformerFolder() throws {
    let found = try json(Fixtures.model("tiny-flux").appending("transformer"))
    #expect(found["kind"] == "checkpoint")
    #expect(found["family"] == "flux1")
    #expect(found["variant"] == "dev")
    #expect(found["layout"] == "diffusers")
    #expect(found["prefix"] == "")
    #expect(found["double_blocks"] == 2)
    #expect(found["single_blocks"] == 4)
    #expect(found["in_channels"] == 64)
    #expect(found["guidance"] == true)
    #expect(found["tensors"] == 140)
    #expect(found["dtypes"]?["BF16"]?["tensors"] == 140)
    #expect(found["metadata"] == ["format": "pt"])
    #expect(found["problems"] == [])
  }

  @Test func aPipelineFolder() throws {
    let found = try json(Fixtures.model("tiny-qwen-image"))
    #expect(found["kind"] == "pipeline")
    #expect(found["family"] == "qwen-image")
    #expect(found["components"]?["transformer"]?["blocks"] == 4)
    #expect(found["components"]?["vae"]?["kind"] == "vae")
    #expect(found["components"]?["text_encoder"]?["family"] == "qwen2.5-vl")
    #expect(found["components"]?["tokenizer"] == ["class": "Qwen2Tokenizer"])
  }

  @Test func anAdapter() throws {
    let found = try json(golden("qwen", "adapter_with_alpha.safetensors"))
    #expect(found["kind"] == "lora")
    #expect(found["family"] == "qwen-image")
    #expect(found["dialect"] == "diffusers")
    #expect(found["modules"] == 48)
    #expect(found["ranks"] == [8])
    #expect(found["alphas"] == [32.0])
    #expect(found["scale"] == [4.0])
    #expect(found["scale_source"] == ["header"])
    #expect(found["target_preset"] == "reference")
    #expect(found["targets"]?["img_mod.1"] == 4)
  }

  /// The facts of the recorded case, by construction of its file.
  @Test func aKohyaAdapterCountsFusedModulesOnce() throws {
    let folder = Fixtures.folder.appending("convert").appending("cases")
      .appending("inspect_lora_kohya")
    let found = try json(folder.appending("in").appending("lora.safetensors"))
    let expected = try JSONValue(
      parsing: Fixtures.text(folder.appending("exp").appending("inspect.json")))
    for member in expected.object?.members ?? [] where member.key != "metadata" {
      #expect(found[member.key] == member.value)
    }
    for member in expected["metadata"]?.object?.members ?? [] {
      #expect(found["metadata"]?[member.key] == member.value)
    }
  }

  @Test func aMixedAdapterNamesBothDefects() throws {
    let file = Fixtures.folder.appending("convert").appending("cases")
      .appending("lora_glance_qwen_mixed_suffixes_to_diffusers").appending("in")
      .appending("pytorch_lora_weights.safetensors")
    let texts = try Inspected(of: file).findings
    #expect(texts.map(\.severity) == [.warning, .warning])
    #expect(texts[0].text.contains("no alpha is stored for 36 modules"))
    #expect(texts[1].text.contains("would apply 24 of 36 modules"))
  }

  @Test func aPicture() throws {
    let found = try json(golden("flux", "image.png"))
    #expect(found["kind"] == "picture")
    #expect(found["container"] == "png")
    #expect(found["width"] == 96)
    #expect(found["height"] == 96)
  }

  @Test func badMetadataIsAFindingAndNoFailure() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("a.safetensors")
    let stem = "transformer.transformer_blocks.0.attn.to_q"
    try writeSafetensors(
      [
        TensorView(name: stem + ".lora_A.weight", shape: [1, 2], [1, 2]),
        TensorView(name: stem + ".lora_B.weight", shape: [2, 1], [1, 2]),
      ], metadata: [("glance.mu", "x")], to: path, overwrite: false)
    let findings = try Inspected(of: path).findings
    #expect(findings.count == 2)
    #expect(findings[0].severity == .error)
    #expect(findings[0].text.contains("metadata 'glance.mu' is 'x', expected a number"))
  }

  @Test(
    "lists tensors by a glob",
    arguments: [
      ("*", 140), ("x_embedder.*", 2), ("*.attn.to_q.weight", 6), ("transformer_blocks.?.*", 64),
      ("*attn*norm*weight", 16), ("", 0), ("x_embedder.weight", 1), ("*.weigh", 0),
    ])
  func globs(glob: String, count: Int) throws {
    let inspection = try Inspected(of: Fixtures.model("tiny-flux").appending("transformer"))
    #expect(inspection.tensors(matching: glob).count == count)
  }
}
