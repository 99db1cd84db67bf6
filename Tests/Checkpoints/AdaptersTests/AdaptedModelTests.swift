import Adapters
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Which model an adapter is for")
struct AdaptedModelTests {
  private func refusal(_ file: AdapterFile) -> String {
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    return error?.description ?? ""
  }

  // MARK: Shapes

  /// The shapes of FLUX.2 klein 4B by its width, which FLUX.1 has too, and those of narrow models.
  @Test("FLUX.2 in FLUX.1's names is known by its shapes", arguments: [3072, 8])
  func flux2(width: Int) throws {
    for (path, rows, columns) in [
      ("double_blocks.0.img_mlp.0", 6, 1), ("double_blocks.3.txt_mlp.2", 1, 3),
      ("single_blocks.0.linear1", 9, 1), ("single_blocks.19.linear2", 1, 4),
    ] {
      let attention = InMemory.module("diffusion_model.double_blocks.0.img_attn.proj", width, width)
      let file = InMemory.file(
        attention + InMemory.module("diffusion_model." + path, rows * width, columns * width))
      #expect(file.otherModel == "FLUX.2")
      #expect(file.families.isEmpty)
      #expect(
        refusal(file)
          == "memory.safetensors: an adapter for FLUX.2, expected one for FLUX.1 or Qwen-Image (the "
          + "shape [\(rows * width), \(columns * width)] of 'diffusion_model.\(path)')")
    }
  }

  @Test("FLUX.1 at any width stays FLUX.1", arguments: [3072, 8])
  func flux1(width: Int) throws {
    let file = InMemory.file(
      InMemory.module("lora_unet_double_blocks_0_img_mlp_0", 4 * width, width, kohya: true)
        + InMemory.module("lora_unet_double_blocks_0_img_mlp_2", width, 4 * width, kohya: true)
        + InMemory.module("lora_unet_single_blocks_0_linear1", 7 * width, width, kohya: true)
        + InMemory.module("lora_unet_single_blocks_0_linear2", width, 5 * width, kohya: true))
    #expect(file.families.map(\.name) == ["flux1"])
    #expect(file.otherModel == nil)
    #expect(try file.adapter().modules.count == 7)
  }

  @Test(
    "the width of another model's publications is enough",
    arguments: [(4096, "FLUX.2"), (6144, "FLUX.2"), (1536, "Stable Diffusion 3")]
      as [(Int, String)])
  func widths(width: Int, title: String) throws {
    let file = InMemory.file(
      InMemory.module("transformer.transformer_blocks.0.attn.to_q", width, width))
    #expect(file.otherModel == title)
    #expect(refusal(file).contains("an adapter for \(title)"))
    #expect(refusal(file).contains("a width of \(width)"))
  }

  // MARK: Names

  @Test(
    "models that aren't read are known by their names",
    arguments: [
      (
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
        "Stable Diffusion 1, 2 or XL"
      ),
      ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", "Stable Diffusion 1, 2 or XL"),
      (
        "unet.up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_v",
        "Stable Diffusion 1, 2 or XL"
      ),
      ("lora_unet_joint_blocks_0_x_block_attn_qkv", "Stable Diffusion 3"),
      ("diffusion_model.blocks.0.self_attn.q", "Wan"),
      ("lora_unet_blocks_39_cross_attn_k_img", "Wan"),
      ("transformer.blocks.0.attn1.to_out.0", "Wan"),
      ("diffusion_model.layers.0.attention.qkv", "Z-Image or Lumina 2"),
      ("transformer.layers.29.attention.to_q", "Z-Image or Lumina 2"),
      ("diffusion_model.distilled_guidance_layer.layers.0.in_layer", "Chroma"),
      ("transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj", "FLUX.2"),
      ("lora_unet_double_blocks_0_img_mlp_fc1", "HunyuanVideo"),
      ("diffusion_model.double_stream_blocks.0.block.attn1.to_q", "HiDream"),
      ("lora_unet_blocks_0_self_attn_q_proj", "Cosmos Predict 2 or Anima"),
      ("transformer.joint_transformer_blocks.0.attn.to_q", "AuraFlow"),
    ])
  func names(stem: String, title: String) throws {
    let file = InMemory.file(InMemory.module(stem, 8, 8))
    #expect(file.otherModel == title)
    #expect(
      refusal(file)
        == "memory.safetensors: an adapter for \(title), expected one for FLUX.1 or Qwen-Image "
        + "(names such as '\(stem)')")
    #expect(file.entries.count == 1)
  }

  @Test func whatTheMetadataSayNamesItMoreClosely() throws {
    let stem = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
    let text = "lora_te1_text_model_encoder_layers_0_mlp_fc1"
    let file = InMemory.file(
      InMemory.module(stem, 8, 8, kohya: true) + InMemory.module(text, 8, 8, kohya: true),
      metadata: [("ss_base_model_version", "sdxl_base_v1-0")])
    #expect(file.otherModel == "Stable Diffusion XL")
    #expect(
      refusal(file).hasSuffix("(names such as '\(stem)', ss_base_model_version = sdxl_base_v1-0)"))
  }

  @Test func namesOfNoKnownModelLeaveWhatIsSaid() throws {
    let file = InMemory.file(
      InMemory.module("nothing.known", 8, 8), metadata: [("modelspec.architecture", "wan2.1/lora")])
    #expect(file.otherModel == "Wan")
    let silent = InMemory.file(InMemory.module("nothing.known", 8, 8))
    #expect(silent.otherModel == nil)
    #expect(refusal(silent).contains("'nothing.known' maps to no module of a known family"))
  }

  @Test func aStrangeKeyDoesNotMakeItAnotherModels() throws {
    let file = InMemory.file(
      InMemory.module("transformer.single_transformer_blocks.0.attn.to_q", 8, 8)
        + InMemory.module("transformer.single_transformer_blocks.1.attn.to_q", 8, 8)
        + InMemory.module("transformer.bogus", 8, 8)
        + InMemory.module("transformer.blocks.0.attn1.to_q", 8, 8))
    #expect(file.families.map(\.name) == ["flux1"])
    #expect(file.otherModel == nil)
  }

  // MARK: What the metadata say

  @Test(
    "a base that contradicts the modules is refused unless the caller says what it is for",
    arguments: [
      ("ss_base_model_version", "flux2_klein_4b", "FLUX.2"),
      ("modelspec.architecture", "flux-2-klein-4b/lora", "FLUX.2"),
      ("ss_base_model_version", "chroma", "Chroma"),
      ("base_model", "lodestones/Chroma1-HD", "Chroma"),
      ("modelspec.architecture", "Qwen-Image-Edit", "Qwen-Image"),
      ("ss_base_model_version", "hunyuan_video", "HunyuanVideo"),
    ])
  func contradictions(key: String, value: String, title: String) throws {
    let tensors = InMemory.module("diffusion_model.double_blocks.0.img_attn.proj", 3072, 3072)
    let file = InMemory.file(tensors, metadata: [(key, value)])
    #expect(file.otherModel == nil)
    #expect(file.families.map(\.name) == ["flux1"])
    #expect(file.family == nil)
    #expect(
      refusal(file)
        == "memory.safetensors: its modules are those of FLUX.1, and its metadata say \(title) "
        + "(\(key) = \(value)); if that isn't true, say what it is for: --family flux1 of glance-convert and glance-merge"
    )
    let asked = InMemory.file(
      tensors, metadata: [(key, value), ("a", "b")], family: "flux1")
    let adapter = try asked.adapter()
    #expect(adapter.family?.name == "flux1")
    // What isn't true doesn't go on.
    #expect(adapter.metadata.map(\.key) == ["a"])
    #expect(
      asked.problems.contains {
        !$0.isError
          && $0.description.hasSuffix(
            "its metadata say \(title) (\(key) = \(value)), which counts for nothing here")
      })
  }

  @Test func aFilesNameIsOnlyAHint() throws {
    let file = InMemory.file(
      InMemory.module("diffusion_model.double_blocks.0.img_attn.proj", 3072, 3072),
      metadata: [("ss_sd_model_name", "myFlux2.safetensors")])
    #expect(file.family?.name == "flux1")
    #expect(try file.adapter().modules.count == 1)
    #expect(
      file.problems.first?.description
        == "its modules are those of FLUX.1, and its metadata say FLUX.2 (ss_sd_model_name = "
        + "myFlux2.safetensors), which counts for nothing here")
  }

  @Test(
    "what trainers write for the families that are read fits",
    arguments: [
      ("ss_base_model_version", "flux1"), ("modelspec.architecture", "flux-1-dev/lora"),
      ("modelspec.architecture", "Flux.1-dev"), ("ss_base_model_version", "flux"),
      ("base_model", "black-forest-labs/FLUX.1-Kontext-dev"),
      ("ss_sd_model_name", "flux1-krea-dev.safetensors"), ("modelspec.architecture", "unheard-of"),
    ])
  func agreement(key: String, value: String) throws {
    let file = InMemory.file(
      InMemory.module("diffusion_model.double_blocks.0.img_attn.proj", 3072, 3072),
      metadata: [(key, value)])
    #expect(file.problems == [.alphaAssumed(moduleCount: 1)])
    #expect(file.family?.name == "flux1")
  }

  @Test func attentionOfKleinSaysSoOnlyInItsMetadata() throws {
    let file = try AdapterFile(
      opening: Fixtures.report(
        "attention_lora_metadata_names_another_model", "lora.safetensors"))
    #expect(file.family == nil)
    #expect(
      refusal(file).contains(
        "its metadata say FLUX.2 (modelspec.architecture = flux-2-klein-4b/lora, "
          + "ss_base_model_version = flux2_klein_4b)"))
  }

  // MARK: Several families

  @Test func namesOfTwoFamiliesAreAskedAbout() throws {
    let tensors = InMemory.module("lora_unet_img_in", 8, 4, kohya: true)
    let file = InMemory.file(tensors)
    #expect(file.families.map(\.name) == ["flux1", "qwen-image"])
    #expect(
      refusal(file)
        == "memory.safetensors: its modules' names are there in FLUX.1 and in Qwen-Image, and mean "
        + "different modules; say what it is for: --family flux1 or --family qwen-image of "
        + "glance-convert and glance-merge")
    for (name, path) in [("flux1", "x_embedder"), ("qwen-image", "img_in")] {
      let asked = InMemory.file(tensors, family: name)
      #expect(try asked.adapter().modules.map(\.path) == [path])
    }
    let said = InMemory.file(tensors, metadata: [("modelspec.architecture", "Qwen-Image")])
    #expect(try said.adapter().modules.map(\.path) == ["img_in"])
  }

  @Test func publishedShapesTellThemApart() throws {
    let qwen = InMemory.file(InMemory.module("lora_unet_txt_in", 3072, 3584, kohya: true))
    #expect(try qwen.adapter().modules.map(\.path) == ["txt_in"])
    let flux = InMemory.file(InMemory.module("lora_unet_txt_in", 3072, 4096, kohya: true))
    #expect(try flux.adapter().modules.map(\.path) == ["context_embedder"])
  }

  @Test func namesThatMeanTheSameInBothNeedNoAnswer() throws {
    let file = InMemory.file(InMemory.module("transformer.transformer_blocks.0.attn.to_q", 8, 8))
    #expect(file.families.count == 2)
    #expect(try file.adapter().modules.map(\.path) == ["transformer_blocks.0.attn.to_q"])
  }
}
