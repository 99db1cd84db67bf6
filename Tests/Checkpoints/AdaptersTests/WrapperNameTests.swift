import Adapters
import TestSupport
import Testing

@Suite("What wrappers of a model leave in an adapter's names")
struct WrapperNameTests {
  @Test(
    "is seen through and said",
    arguments: [
      ("transformer._orig_mod.transformer_blocks.0.attn.to_q", "_orig_mod"),
      ("base_model.model._orig_mod.transformer_blocks.0.attn.to_q", "_orig_mod"),
      ("module.transformer.transformer_blocks.0.attn.to_q", "module"),
      (
        "transformer.transformer_blocks.0._fsdp_wrapped_module.attn.to_q", "_fsdp_wrapped_module"
      ),
      ("transformer.transformer_blocks.0.attn.to_q.base_layer", "base_layer"),
      ("pipe.dit.transformer_blocks.0.attn.to_q", "pipe.dit"),
      ("dit.transformer_blocks.0.attn.to_q", "dit"),
      ("lora_unet__orig_mod_transformer_blocks_0_attn_to_q", "_orig_mod"),
      ("lora_unet_transformer_blocks_0__orig_mod_attn_to_q", "_orig_mod"),
      ("lora_unet_transformer_blocks_0_attn_to_q_", "an underscore at the end"),
    ])
  func isSeenThrough(stem: String, wrapper: String) throws {
    let file = InMemory.file(
      InMemory.pair(stem, down: ".lora_down.weight", up: ".lora_up.weight")
        + [InMemory.alpha(stem + ".alpha", 2)])
    #expect(try file.adapter().modules.map(\.path) == ["transformer_blocks.0.attn.to_q"])
    #expect(
      file.problems.map(\.description) == [
        "'\(wrapper)' in the names of 1 of 1 modules is left by a wrapper of the model and seen through"
      ])
  }

  @Test func twoNamesOfOneModuleAreRefused() throws {
    let file = InMemory.file(
      InMemory.pair("transformer.transformer_blocks.0.attn.to_q")
        + InMemory.pair("transformer._orig_mod.transformer_blocks.0.attn.to_q"))
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(
      error?.description.contains(
        "module 'transformer_blocks.0.attn.to_q' is given more than once: "
          + "'transformer.transformer_blocks.0.attn.to_q' and "
          + "'transformer._orig_mod.transformer_blocks.0.attn.to_q'") == true)
  }

  @Test func loadersDoNotSeeThroughThem() throws {
    let file = InMemory.file(
      InMemory.pair("transformer._orig_mod.single_transformer_blocks.0.attn.to_q"))
    let found = LoaderSimulation(of: file, by: try #require(LoaderRules.named("diffusers")))
    #expect(found.loadedCount == 0 && found.moduleCount == 1)
    #expect(
      found.ignored.map(\.reason)
        == ["'_orig_mod' is in its name, which no module of the model has"])
    #expect(found.warnings.last?.contains("--dialect diffusers") == true)
  }
}
