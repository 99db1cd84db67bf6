import Adapters
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("What a file says of its model, and what proves nothing")
struct StatedModelTests {
  @Test(
    "a width proves nothing where names are another family's alone, or where the file says which")
  func narrowModels() throws {
    let stems = [
      ("transformer.transformer_blocks.0.img_mlp.net.0.proj", "qwen-image"),
      ("transformer.single_transformer_blocks.0.attn.to_q", "flux1"),
      ("diffusion_model.single_blocks.0.modulation.lin", "flux1"),
    ]
    for (stem, family) in stems {
      let file = InMemory.file(
        InMemory.module("transformer.transformer_blocks.0.attn.to_q", 1536, 1536)
          + InMemory.module(stem, stem.hasSuffix("lin") ? 4608 : 1536, 1536))
      #expect(file.otherModel == nil, "\(stem)")
      #expect(file.families.map(\.name) == [family])
    }
    for (width, stated) in [(1536, "qwen_image"), (4096, "flux1"), (6144, "Qwen/Qwen-Image")] {
      let file = InMemory.file(
        InMemory.module("transformer.transformer_blocks.0.attn.to_q", width, width),
        metadata: [("ss_base_model_version", stated)])
      #expect(file.otherModel == nil, "\(width)")
      #expect(file.families.map(\.name) == [stated == "flux1" ? "flux1" : "qwen-image"])
    }
  }

  @Test(
    "a folder's name or a part of a word names no model",
    arguments: [
      "/data/wan2/flux1-dev.safetensors", "/mnt/sd15/black-forest-labs/FLUX.1-dev",
      "/home/animator/FLUX.1-dev", "someone/flux1-animation", "flux-illumination", "taiwan2024",
      "monochroma flux", "C:\\wan22\\FLUX.1-dev", "/data/chroma/mine.safetensors",
      "/hub/models--black-forest-labs--FLUX.1-dev/snapshots/0123456789abcdef0123456789abcdef01234567",
    ])
  func paths(text: String) throws {
    let file = InMemory.file(
      InMemory.module("lora_unet_single_blocks_0_linear2", 8, 40, kohya: true),
      metadata: [("base_model", text)])
    #expect(file.families.map(\.name) == ["flux1"])
    #expect(!file.problems.contains { $0.isError }, "\(file.problems)")
    #expect(try file.adapter().modules.count == 1)
  }

  @Test(
    "a name is known in every spelling",
    arguments: [
      ("lodestones/Chroma1-HD", "Chroma"), ("chroma", "Chroma"), ("ChromaHD", "Chroma"),
      ("flux-1-chroma/lora", "Chroma"), ("/models/Wan2.2-T2V/transformer", "Wan"),
      ("Alpha-VLLM/Lumina-Image-2.0", "Lumina 2"), ("MyFLUX.2", "FLUX.2"),
      ("sd_v1", "Stable Diffusion 1"),
      ("circlestone-labs/Anima", "Cosmos Predict 2 or Anima"),
      ("/hub/models--Wan-AI--Wan2.1/snapshots/0123456789abcdef0123456789abcdef01234567", "Wan"),
    ])
  func spellings(text: String, title: String) {
    let file = InMemory.file(
      InMemory.module("lora_unet_single_blocks_0_linear2", 8, 40, kohya: true),
      metadata: [("base_model", text)])
    expectRefusal(
      AdapterError.self, saying: "its modules are those of FLUX.1, and its metadata say \(title) ("
    ) { try file.adapter() }
  }
}
