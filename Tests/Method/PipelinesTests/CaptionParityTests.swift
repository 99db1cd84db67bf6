import Autoencoders
import Checkpoints
import Compute
import DiffusionTransformers
import JSON
import Pipelines
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Recorded in float32 by the pipelines of diffusers; float64 is 5 to 50 times closer.
private let bound = 1e-5

@Suite("A pipeline folder")
struct CaptionParityTests {
  private func captions(_ family: String) throws -> [String] {
    let text = try Fixtures.text(Goldens.folder(family).appending("captions.json"))
    return try JSONValue(parsing: text)["captions"]?.array?.compactMap(\.string) ?? []
  }

  private func recorded(_ family: String, _ name: String, row: Int) throws -> Tensor {
    let view = try Goldens.open(family, "text.safetensors").tensor(named: name)
    let size = view.elementCount / view.shape[0]
    return Tensor(
      shape: Array(view.shape.dropFirst()), Array(view.floats()[row * size..<(row + 1) * size]))
  }

  @Test("encodes FLUX.1's captions as recorded", arguments: 0..<3)
  func flux(row: Int) throws {
    let encoder = try DiffusionPipeline(opening: Fixtures.model("tiny-flux"))
      .openCaptionEncoder()
    let caption = try captions("flux")[row]
    let found = try encoder.encode(caption).conditioning
    let text = try recorded("flux", "t5_embeds", row: row)
    #expect(relativeError(found.text.floats, text.floats) <= bound)
    let pooled = try recorded("flux", "clip_pooled", row: row)
    #expect(relativeError(found.pooled?.floats ?? [], pooled.floats) <= bound)
  }

  @Test("encodes Qwen-Image's captions and the empty one as recorded", arguments: 0..<4)
  func qwen(row: Int) throws {
    let encoder = try DiffusionPipeline(opening: Fixtures.model("tiny-qwen-image"))
      .openCaptionEncoder()
    guard row < 3 else {
      let negative = try recorded("qwen", "negative_embeds", row: 0)
      let found = try encoder.encode(" ").conditioning.text
      #expect(relativeError(found.floats, negative.floats) <= bound)
      return
    }
    let found = try encoder.encode(captions("qwen")[row]).conditioning.text
    let padded = try recorded("qwen", "prompt_embeds", row: row)
    #expect(
      relativeError(found.floats, padded.rows(0..<found.rows).floats) <= bound)
    #expect(padded.rows(found.rows..<padded.rows).norm == 0)
  }

  @Test func tooLongACaptionIsCutWithAWarning() throws {
    let flux = try DiffusionPipeline(opening: Fixtures.model("tiny-flux"))
    let long = Array(repeating: "a red circle", count: 40).joined(separator: " and ")
    let encoded = try flux.openCaptionEncoder().encode(long)
    #expect(encoded.conditioning.text.rows == 24)
    #expect(encoded.warnings.count == 1)
    #expect(try flux.openCaptionEncoder(textTokens: 512).encode("x").conditioning.text.rows == 512)
    expectRefusal(
      PipelineError.self, saying: "--text-tokens: expected a number from 1 to 4096, found 0"
    ) { try flux.openCaptionEncoder(textTokens: 0) }
  }

  @Test func missingFolderIsNamed() {
    let error = #expect(throws: CheckpointError.self) {
      try DiffusionPipeline(opening: "/nowhere/model")
    }
    #expect(error.map { "\($0)" }?.contains("/nowhere/model") == true)
  }

  @Test("opens the components of both families", arguments: ["tiny-flux", "tiny-qwen-image"])
  func components(model: String) throws {
    let pipeline = try DiffusionPipeline(opening: Fixtures.model(model))
    let transformer = try pipeline.openTransformer().transformer
    #expect(try transformer.tokenChannels == 4 * pipeline.openAutoencoder().latentChannels)
    #expect(transformer.takesGuidance == (pipeline.defaults.sampling.guidance != nil))
  }
}
