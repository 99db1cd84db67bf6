import Checkpoints
import Elements
import JSON
import Safetensors
import Synthesis
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What the descriptions say of any width, against files that diffusers and transformers wrote.
@Suite("The description of a published component")
struct PublishedComponentTests {
  private func component(_ family: String, _ folder: String) throws -> PublishedComponent {
    let family = try #require(ModelFamily.named(family))
    return try #require(
      try PublishedPipeline(of: family).components(encoderLayers: nil)
        .first { $0.folder == folder })
  }

  @Test(
    "names the tensors of a text encoder of another width",
    arguments: [
      ("flux1", "tiny-flux", "text_encoder"), ("flux1", "tiny-flux", "text_encoder_2"),
      ("qwen-image", "tiny-qwen-image", "text_encoder"),
    ])
  func encoder(family: String, model: String, folder: String) throws {
    let fixture = Fixtures.model(model).appending(folder)
    var component = try component(family, folder)
    component.configuration = try #require(
      Configuration(reading: fixture.appending("config.json")).json.object)
    let found = component.synthesis(dtype: .bf16, shardByteLimit: nil).tensors
    let expected = try SafetensorsFile(opening: fixture.appending("model.safetensors")).tensors
    #expect(
      found.sorted { $0.name < $1.name }
        == expected.map(\.description).sorted { $0.name < $1.name })
  }

  /// The tiny ones have a layer less at every resolution, and other steps between their widths.
  @Test(
    "names what a smaller autoencoder has, too",
    arguments: [("flux1", "tiny-flux"), ("qwen-image", "tiny-qwen-image")])
  func autoencoder(family: String, model: String) throws {
    let tensors = try component(family, "vae").synthesis(dtype: .bf16, shardByteLimit: nil).tensors
    let axes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape.count) })
    let file = try SafetensorsFile(
      opening: Fixtures.model(model).appending("vae/diffusion_pytorch_model.safetensors"))
    let smaller = file.tensors.filter {
      !$0.name.contains("conv_shortcut") && !$0.name.hasPrefix("encoder.down_blocks")
    }
    #expect(smaller.count > 100)
    for tensor in smaller { #expect(axes[tensor.name] == tensor.shape.count, "\(tensor.name)") }
  }
}
