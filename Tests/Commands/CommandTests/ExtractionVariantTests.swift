import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Extraction from another variant")
struct ExtractionVariantTests {
  private let folder: TemporaryFolder
  private let base = Fixtures.model("tiny-flux").appending("transformer")
    .appending("diffusion_pytorch_model.safetensors")

  init() throws { folder = try TemporaryFolder() }

  /// What is said of a checkpoint made of the base's tensors.
  private func refusal(_ change: (TensorView) -> TensorView?) throws -> String {
    let tuned = folder.path.appending("tuned.safetensors")
    try writeSafetensors(
      try SafetensorsFile(opening: base).tensors.compactMap(change), to: tuned, overwrite: true)
    let run = try BuiltCommand("glance-merge").run(
      [
        base.string, "--extract", tuned.string, "--rank", "8", "--output",
        folder.path.appending("lora.safetensors").string,
      ])
    #expect(run.status == 65)
    let prefix = "glance-merge: \(tuned): not a tuned form of \(base): "
    #expect(run.errors.hasPrefix(prefix), "\(run.errors)")
    return String(run.errors.dropFirst(prefix.count))
  }

  @Test func anInputOfMoreColumnsIsNamed() throws {
    let said = try refusal { tensor in
      guard tensor.name == "x_embedder.weight" else { return tensor }
      let rows = tensor.shape[0]
      return TensorView(
        name: tensor.name, shape: [rows, 384], [Float](repeating: 0, count: rows * 384))
    }
    #expect(
      said == "x_embedder is [96, 384], expected [96, 64]; extract against the variant that it was "
        + "tuned from\n")
  }

  @Test func aMissingEmbedderIsNamed() throws {
    let said = try refusal { $0.name.contains("guidance") ? nil : $0 }
    #expect(
      said == "it lacks time_text_embed.guidance_embedder.linear_1, "
        + "time_text_embed.guidance_embedder.linear_2; extract against the variant that it was "
        + "tuned from\n")
  }

  @Test func fewerBlocksAreCounted() throws {
    let said = try refusal { $0.name.hasPrefix("single_transformer_blocks.3.") ? nil : $0 }
    #expect(
      said == "3 single blocks, expected 4; extract against the variant that it was tuned from\n")
  }
}
