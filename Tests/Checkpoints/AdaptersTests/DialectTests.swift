import Adapters
import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Reading adapter dialects")
struct DialectTests {
  @Test(
    "keys lead to canonical modules",
    arguments: [
      (
        "transformer.transformer_blocks.0.attn.to_q", ".lora_A.weight", ".lora_B.weight",
        "diffusers", "transformer_blocks.0.attn.to_q"
      ),
      (
        "transformer.transformer_blocks.7.attn.to_out.0", ".lora.down.weight", ".lora.up.weight",
        "diffusers-old", "transformer_blocks.7.attn.to_out.0"
      ),
      (
        "transformer_blocks.0.attn.to_v", ".lora_A.default.weight", ".lora_B.default.weight",
        "diffsynth", "transformer_blocks.0.attn.to_v"
      ),
      (
        "transformer_blocks.0.attn.to_v", ".lora_A.default_0.default",
        ".lora_B.default_0.default", "diffsynth", "transformer_blocks.0.attn.to_v"
      ),
      (
        "base_model.model.transformer_blocks.3.ff.net.2", ".lora_A.weight", ".lora_B.weight",
        "peft", "transformer_blocks.3.ff.net.2"
      ),
      (
        "transformer_blocks.59.img_mlp.net.2", ".lora_down.weight", ".lora_up.weight",
        "lightning", "transformer_blocks.59.img_mlp.net.2"
      ),
      (
        "lora_unet_transformer_blocks_12_attn_to_add_out", ".lora_down.weight",
        ".lora_up.weight", "kohya", "transformer_blocks.12.attn.to_add_out"
      ),
      (
        "lora_unet_transformer_blocks_12_attn_to_out_0", ".lora_down.weight", ".lora_up.weight",
        "kohya", "transformer_blocks.12.attn.to_out.0"
      ),
      (
        "lora_unet_double_blocks_0_img_mlp_2", ".lora_down.weight", ".lora_up.weight", "kohya",
        "transformer_blocks.0.ff.net.2"
      ),
      (
        "lora_transformer_single_transformer_blocks_37_proj_mlp", ".lora_down.weight",
        ".lora_up.weight", "onetrainer", "single_transformer_blocks.37.proj_mlp"
      ),
      (
        "diffusion_model.transformer_blocks.1.txt_mod.1", ".lora_A.weight", ".lora_B.weight",
        "comfyui", "transformer_blocks.1.txt_mod.1"
      ),
      (
        "diffusion_model.single_blocks.5.modulation.lin", ".lora_down.weight",
        ".lora_up.weight", "comfyui", "single_transformer_blocks.5.norm.linear"
      ),
      (
        "double_blocks.2.processor.proj_lora2", ".down.weight", ".up.weight", "xlabs",
        "transformer_blocks.2.attn.to_add_out"
      ),
      (
        "transformer.base_model.model.transformer_blocks.0.attn.to_q", ".lora_A.default.weight",
        ".lora_B.default.weight", "peft", "transformer_blocks.0.attn.to_q"
      ),
      (
        "base_model.model.transformer.single_transformer_blocks.1.attn.to_k", ".lora_A.weight",
        ".lora_B.weight", "peft", "single_transformer_blocks.1.attn.to_k"
      ),
      (
        "base_model.model.double_blocks.4.img_attn.proj", ".lora_A.weight", ".lora_B.weight",
        "peft", "transformer_blocks.4.attn.to_out.0"
      ),
      (
        "double_blocks.4.txt_attn.proj", ".lora_A.weight", ".lora_B.weight", "bfl",
        "transformer_blocks.4.attn.to_add_out"
      ),
      (
        "transformer.transformer_blocks.0.attn.to_q", "_lora.down.weight", "_lora.up.weight",
        "diffusers-old", "transformer_blocks.0.attn.to_q"
      ),
      (
        "transformer.transformer_blocks.0.attn.processor.to_out", "_lora.down.weight",
        "_lora.up.weight", "diffusers-old", "transformer_blocks.0.attn.to_out.0"
      ),
      (
        "transformer.single_transformer_blocks.9.proj_out", ".lora_linear_layer.down.weight",
        ".lora_linear_layer.up.weight", "diffusers-old", "single_transformer_blocks.9.proj_out"
      ),
      (
        "single_blocks.5.processor.proj_lora", ".down.weight", ".up.weight", "xlabs",
        "single_transformer_blocks.5.proj_out"
      ),
      (
        "blocks.3.attn.b_to_out", ".lora_A.default.weight", ".lora_B.default.weight",
        "diffsynth", "transformer_blocks.3.attn.to_add_out"
      ),
      (
        "lora_transformer_transformer_blocks_0_ff_net_0_proj", ".lora_down.weight",
        ".lora_up.weight", "onetrainer", "transformer_blocks.0.ff.net.0.proj"
      ),
      (
        "diffusion_model.double_blocks.0.img_mlp.0", ".lora_A.weight", ".lora_B.weight",
        "comfyui", "transformer_blocks.0.ff.net.0.proj"
      ),
      (
        "transformer_blocks.0.attn.to_k", ".lora_A", ".lora_B", "bare",
        "transformer_blocks.0.attn.to_k"
      ),
    ] as [(String, String, String, String, String)])
  func dialects(
    stem: String, down: String, up: String, dialect: String, module: String
  ) throws {
    let file = InMemory.file(InMemory.pair(stem, down: down, up: up))
    #expect(file.problems == [.alphaAssumed(moduleCount: 1)])
    #expect(file.entries.map(\.dialect) == [dialect])
    let adapter = try file.adapter()
    #expect(adapter.modules.map(\.path) == [module])
    #expect(adapter.modules.map(\.name) == [name(of: stem)])
    #expect(adapter.modules[0].rank == 2)
    #expect(adapter.modules[0].scale == 1)
    #expect(adapter.modules[0].scaleSource == .assumed)
  }

  @Test(
    "agrees with other programs' converters, by effective delta",
    arguments: [
      ("lora_flux_kohya_to_diffusers", "lora", "pytorch_lora_weights", 0.006),
      ("lora_flux_kohya_no_alpha", "lora", "pytorch_lora_weights", 1e-6),
      ("lora_flux_diffusers_to_kohya", "pytorch_lora_weights", "lora_kohya", 1e-7),
      ("lora_flux_xlabs_to_diffusers", "lora", "pytorch_lora_weights", 1e-7),
      ("lora_flux_comfy_prefix_to_diffusers", "lora", "pytorch_lora_weights", 1e-6),
      ("lora_flux_header_alpha_to_comfy", "pytorch_lora_weights", "lora_comfy", 2e-6),
      ("lora_glance_no_alpha_to_comfy", "pytorch_lora_weights", "lora_comfy", 1e-7),
      ("lora_glance_qwen_mixed_suffixes_to_diffusers", "pytorch_lora_weights", "clean", 1e-7),
      ("lora_qwen_musubi_to_diffusers", "lora", "pytorch_lora_weights", 0.006),
      ("lora_qwen_lightning_to_diffusers", "lora", "pytorch_lora_weights", 0.006),
      ("lora_qwen_aitoolkit_to_diffusers", "lora", "pytorch_lora_weights", 1e-6),
      ("lora_qwen_diffusers_to_musubi", "pytorch_lora_weights", "lora_musubi", 1e-7),
    ] as [(String, String, String, Double)])
  func converters(name: String, input: String, output: String, tolerance: Double) throws {
    let found = try Adapter(opening: conversionCase(name, "in/\(input).safetensors"))
    let expected = try Adapter(opening: conversionCase(name, "exp/\(output).safetensors"))
    #expect(deltaError(found, expected) <= tolerance)
  }

  @Test func aBlockDiagonalFileGivesTheOriginalFactorsBack() throws {
    let name = "lora_flux_blockdiag_kohya_back_to_diffusers"
    let found = try Adapter(opening: conversionCase(name, "in/lora_kohya.safetensors"))
    let expected = try Adapter(
      opening: conversionCase(name, "exp/pytorch_lora_weights.safetensors"))
    #expect(found.modules.count == expected.modules.count)
    #expect(found.scales == [1])
    for module in expected.modules {
      let same = try #require(found.module(at: module.path))
      #expect(same.rank == module.rank)
      #expect(same.down.floats() == module.down.floats())
      #expect(same.up.floats() == module.up.floats())
    }
  }

  /// `_lora` counts to the ending where it may: `processor.proj_lora.down.weight`.
  private func name(of stem: String) -> String {
    stem.hasSuffix("_lora") ? String(stem.dropLast("_lora".count)) : stem
  }

  /// The parts of a fused module bear its name in the file, for messages.
  @Test(
    "keys that stand for several modules are taken apart",
    arguments: [
      ("lora_unet_double_blocks_7_img_attn_qkv", ".lora_down.weight", ".lora_up.weight", 3, 18),
      ("lora_unet_single_blocks_7_linear1", ".lora_down.weight", ".lora_up.weight", 4, 42),
      ("double_blocks.7.processor.qkv_lora2", ".down.weight", ".up.weight", 3, 18),
      ("single_blocks.7.processor.qkv_lora", ".down.weight", ".up.weight", 3, 18),
      ("blocks.7.attn.a_to_qkv", ".lora_A.default.weight", ".lora_B.default.weight", 3, 18),
    ] as [(String, String, String, Int, Int)])
  func fused(stem: String, down: String, up: String, count: Int, rows: Int) throws {
    let file = InMemory.file(InMemory.pair(stem, down: down, up: up, outFeatures: rows))
    let modules = try file.adapter().modules
    #expect(modules.count == count)
    #expect(modules.allSatisfy { $0.name == name(of: stem) && $0.rank == 2 })
    #expect(modules.reduce(0) { $0 + $1.outFeatures } == rows)
  }

  @Test func rowsThatAreZeroAreNoModule() throws {
    let stem = "lora_unet_double_blocks_7_img_attn_qkv"
    for rank in [1, 2] {
      let own = InMemory.tensor("own", [6, rank]).floats()
      let none = [Float](repeating: 0, count: 6 * rank)
      let up = TensorView(
        name: stem + ".lora_up.weight", shape: [18, rank], own + none + (rank == 1 ? none : own))
      let file = InMemory.file([InMemory.tensor(stem + ".lora_down.weight", [rank, 6]), up])
      let modules = try file.adapter().modules
      let names = rank == 1 ? ["to_q"] : ["to_q", "to_v"]
      #expect(modules.map(\.path) == names.map { "transformer_blocks.7.attn." + $0 })
      #expect(modules.allSatisfy { $0.up.floats() == own && $0.rank == rank })
    }
  }

  @Test func anUnknownModuleIsRefusedByName() throws {
    let path = conversionCase("lora_unknown_module_error", "in/lora.safetensors")
    let error = #expect(throws: AdapterError.self) { _ = try Adapter(opening: path) }
    #expect(error?.description.contains("bogus") == true)
    var options = AdapterReadingOptions()
    options.isPartial = true
    #expect(try Adapter(opening: path, options).modules.isEmpty == false)
  }

  @Test(
    "other methods are refused by name",
    arguments: [
      (".dora_scale", "DoRA"), (".lora_magnitude_vector.weight", "DoRA"), (".hada_w1_a", "LoHa"),
      (".lokr_w1", "LoKr"), (".oft_blocks", "OFT"), (".diff", "full differences"),
      (".lora_B.bias", "LoRA with biases"),
    ])
  func otherMethods(ending: String, method: String) throws {
    let stem = "transformer.transformer_blocks.0.attn.to_q"
    let file = InMemory.file(InMemory.pair(stem) + [InMemory.tensor(stem + ending, [6])])
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(error?.description.contains(method) == true)
    let refused = conversionCase("lora_dora_refused", "in/lora.safetensors")
    expectRefusal(
      AdapterError.self,
      saying:
        "1 key of DoRA (dora_scale), such as 'lora_unet_double_blocks_0_img_attn_proj.dora_scale'"
    ) { try Adapter(opening: refused) }
  }

  @Test func textEncoderKeysAreCountedAndNotApplied() throws {
    let file = InMemory.file(
      InMemory.pair("transformer.transformer_blocks.0.attn.to_q")
        + InMemory.pair("lora_te1_text_model_encoder_layers_0_mlp_fc1"))
    #expect(
      file.problems == [.textEncoderKeys(count: 2), .alphaAssumed(moduleCount: 1)])
    #expect(try file.adapter().modules.count == 1)
    #expect(file.textEncoderTensors.count == 2)
  }

  @Test func aFileWithoutModulesIsNoAdapter() {
    let file = InMemory.file([])
    expectRefusal(AdapterError.self, saying: "no adapter module is there") { try file.adapter() }
    #expect(file.problems == [.empty])
  }
}

@Suite("The family of an adapter")
struct AdapterFamilyTests {
  @Test(
    "follows from its modules",
    arguments: [
      (["single_transformer_blocks.0.attn.to_q"], ["flux1"]),
      (["transformer_blocks.0.img_mod.1", "transformer_blocks.0.attn.to_q"], ["qwen-image"]),
      (["transformer_blocks.0.attn.to_q"], ["flux1", "qwen-image"]),
      (["transformer_blocks.0.attn.to_q", "transformer_blocks.19.attn.to_q"], ["qwen-image"]),
    ])
  func families(modules: [String], expected: [String]) {
    let file = InMemory.file(modules.flatMap { InMemory.pair("transformer." + $0) })
    #expect(file.families.map(\.name) == expected)
  }

  @Test func metadataDecidesBetweenThem() {
    let pair = InMemory.pair("transformer.transformer_blocks.0.attn.to_q")
    for (key, value, expected) in [
      ("modelspec.architecture", "flux-1-dev/lora", "flux1"),
      ("modelspec.architecture", "Qwen-Image-Edit", "qwen-image"),
      ("glance.family", "qwen-image", "qwen-image"),
    ] {
      #expect(InMemory.file(pair, metadata: [(key, value)]).family?.name == expected)
    }
  }
}
