import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A pipeline folder")
struct PipelineFolderTests {
  @Test func tinyFluxOpensAndFits() throws {
    let pipeline = try PipelineFolder(opening: Fixtures.model("tiny-flux"))
    #expect(pipeline.className == "FluxPipeline")
    #expect(pipeline.family?.name == "flux1")
    #expect(
      pipeline.components.map(\.name) == [
        "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "transformer",
        "vae",
      ])
    let transformer = try pipeline.open("transformer")
    let architecture = try transformer.architecture()
    #expect(architecture.dimensions["hidden"] == 96)
    #expect(architecture.dimensions["double"] == 2)
    #expect(architecture.dimensions["single"] == 4)
    #expect(architecture.dimensions.flags["guidance"] == true)
    #expect(try transformer.source.tensor(named: "x_embedder.weight").shape == [96, 64])
    #expect(try pipeline.schedulerConfiguration().json["max_shift"]?.double == 1.15)
  }

  @Test func tinyQwenImageOpensAndFits() throws {
    let pipeline = try PipelineFolder(opening: Fixtures.model("tiny-qwen-image"))
    #expect(pipeline.family?.name == "qwen-image")
    let architecture = try pipeline.open("transformer").architecture()
    #expect(architecture.dimensions["blocks"] == 4)
    #expect(architecture.dimensions["text"] == 64)
    #expect(try pipeline.open("transformer").description.variant?.name == "image")
  }

  @Test(
    "recognises the other components",
    arguments: [
      ("tiny-flux", "vae", "autoencoder-kl"), ("tiny-flux", "text_encoder", "clip-text"),
      ("tiny-flux", "text_encoder_2", "t5-encoder"),
      ("tiny-qwen-image", "vae", "autoencoder-kl-qwen-image"),
      ("tiny-qwen-image", "text_encoder", "qwen2.5-vl"),
    ])
  func components(model: String, component: String, expected: String) throws {
    let description = try PipelineFolder(opening: Fixtures.model(model)).open(component).description
    guard case .component(let name, _, _) = description.subject else {
      Issue.record("recognised as \(description.subject)")
      return
    }
    #expect(name == expected)
    #expect(description.problems == [])
  }

  @Test func missingThingsAreNamed() throws {
    let pipeline = try PipelineFolder(opening: Fixtures.model("tiny-flux"))
    let folder = Fixtures.model("tiny-flux")
    expectRefusal(
      CheckpointError.self,
      saying: "component 'image_encoder' is missing: model_index.json doesn't name it"
    ) { try pipeline.open("image_encoder") }
    let error = #expect(throws: CheckpointError.self) { _ = try pipeline.open("controlnet") }
    #expect(
      error?.description == "\(folder): component 'controlnet' is missing: "
        + "model_index.json doesn't name it")
    let other = #expect(throws: CheckpointError.self) {
      _ = try PipelineFolder(opening: folder.appending("vae"))
    }
    #expect(
      other?.description
        == "\(folder)/vae: no model_index.json or modular_model_index.json; expected a diffusers "
        + "pipeline folder")
  }

  @Test func aVAEIsNoTransformer() throws {
    let vae = try PipelineFolder(opening: Fixtures.model("tiny-flux")).open("vae")
    let error = #expect(throws: CheckpointError.self) { _ = try vae.architecture() }
    #expect(
      error?.description == "\(vae.path): AutoencoderKL (the FLUX.1 VAE and its kin), "
        + "expected a transformer of FLUX.1 or Qwen-Image")
  }
}
