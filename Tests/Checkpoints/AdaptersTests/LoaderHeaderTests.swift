import Adapters
import TestSupport
import Testing

/// What diffusers 0.42.1 with PEFT 0.21.2 did with files of which it was run.
@Suite("What diffusers does with descriptions and with other methods")
struct LoaderHeaderTests {
  private func loading(_ name: String, _ file: String) throws -> LoaderSimulation {
    LoaderSimulation(
      of: try AdapterFile(opening: Fixtures.report(name, file + ".safetensors")),
      by: try #require(LoaderRules.named("diffusers")))
  }

  @Test(
    "a description from which PEFT makes no configuration fails",
    arguments: [
      (
        "no-target-modules",
        "lora_adapter_metadata has no 'transformer.target_modules', without which PEFT makes no "
          + "configuration"
      ),
      (
        "unknown-key",
        "lora_adapter_metadata has 'transformer.some_new_option', which its PEFT doesn't know"
      ),
      (
        "rank-contradicts",
        "lora_adapter_metadata gives 'single_transformer_blocks.0.attn.to_q' the rank 8, its tensors "
          + "have 4"
      ),
    ])
  func headerThatFails(file: String, refusal: String) throws {
    let found = try loading("as-diffusers-header-that-fails", file)
    #expect(found.refusal == refusal)
    #expect(found.loadedCount == 0 && found.moduleCount == 2)
  }

  @Test func aSoundDescriptionLoads() throws {
    let found = try loading("as-diffusers-header-that-fails", "sound")
    #expect(found.refusal == nil)
    #expect(found.loadedCount == 2)
    #expect(found.scales.map(\.scale) == [0.5])
  }

  @Test func magnitudesInPEFTsNamesAreLoaded() throws {
    let found = try loading("as-diffusers-dora-and-bias", "dora")
    #expect(found.refusal == nil)
    #expect(found.loadedCount == 4)
    #expect(
      found.warnings.filter { $0.contains("DoRA") } == [
        "4 keys of DoRA (lora_magnitude_vector), such as "
          + "'transformer.single_transformer_blocks.0.attn.to_k.lora_magnitude_vector': it loads the "
          + "magnitudes, too, and applies what was trained"
      ])
  }

  @Test func biasesAreLoaded() throws {
    let found = try loading("as-diffusers-dora-and-bias", "bias")
    #expect(found.loadedCount == 4)
    #expect(
      found.warnings.contains {
        $0.hasPrefix("4 keys of LoRA with biases")
          && $0.hasSuffix("it loads them, too, and adds them to the biases")
      })
  }

  @Test func magnitudesInKohyasNamesAreDropped() throws {
    let found = try loading("as-diffusers-dora-and-bias", "kohya-dora")
    #expect(found.refusal == nil && found.loadedCount == 1)
    #expect(found.warnings.contains { $0.contains("drops dora_scale with a warning") })
  }

  @Test func lycorisMethodsFail() throws {
    let qwen = try loading("lokr_qwen_musubi", "lora")
    #expect(
      qwen.refusal == "LoKr: it fails on keys that are neither factors nor alphas of a LoRA")
    #expect(qwen.loadedCount == 0 && qwen.moduleCount == 2)
    let flux = try loading("lokr_flux_simpletuner_whole_factors", "lora")
    #expect(
      flux.refusal
        == "LoKr: where no key has 'lora' in its name it calls the file an invalid checkpoint")
  }

  @Test func othersHaveCodeForThem() throws {
    let file = try AdapterFile(
      opening: Fixtures.report("lokr_qwen_musubi", "lora.safetensors"))
    for loader in ["comfyui", "kohya"] {
      let found = LoaderSimulation(of: file, by: try #require(LoaderRules.named(loader)))
      #expect(found.refusal == nil)
      #expect(found.loadedCount == 2)
      #expect(found.warnings.contains { $0.contains("which isn't simulated here") })
    }
  }

  @Test func aConversionThatHelpsIsNamed() throws {
    let file = InMemory.file(InMemory.pair("transformer.transformer_blocks.0.attn.add_q_proj"))
    let flux = InMemory.file(
      InMemory.pair("transformer.single_transformer_blocks.0.attn.to_q"))
    for file in [file, flux] {
      let found = LoaderSimulation(of: file, by: try #require(LoaderRules.named("kohya")))
      #expect(found.loadedCount == 0)
      #expect(
        found.warnings.last
          == "'glance-convert memory.safetensors --dialect kohya --output FILE' makes one that it "
          + "loads")
    }
    let loaded = LoaderSimulation(of: flux, by: try #require(LoaderRules.named("diffusers")))
    #expect(!loaded.warnings.contains { $0.contains("glance-convert") })
  }

  @Test func narrowModelsAreNoted() throws {
    for (width, isNoted) in [(8, true), (3072, false)] {
      let file = InMemory.file(
        InMemory.pair(
          "lora_unet_single_blocks_0_linear1", down: ".lora_down.weight", up: ".lora_up.weight",
          rank: 1, inFeatures: width, outFeatures: 7 * width))
      let found = LoaderSimulation(of: file, by: try #require(LoaderRules.named("diffusers")))
      #expect(found.loadedCount == 4)
      #expect(
        found.warnings.contains(
          "its converter divides linear1 of single blocks by FLUX.1's own widths and fails on a model "
            + "of others") == isNoted)
    }
  }
}
