import Adapters
import Testing

/// LCM-LoRA as it is published: kohya's names and alphas for Stable Diffusion, convolutions too.
@Suite("An LCM-LoRA of Stable Diffusion")
struct ConsistencyAdapterTests {
  @Test func isKnownForWhatItIsAndRefused() {
    let attention = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
    let convolution = "lora_unet_down_blocks_0_resnets_0_conv1"
    let file = InMemory.file(
      InMemory.module(attention, 640, 640, kohya: true) + [
        InMemory.tensor(attention + ".alpha", []),
        InMemory.tensor(convolution + ".lora_down.weight", [1, 320, 3, 3]),
        InMemory.tensor(convolution + ".lora_up.weight", [320, 1, 1, 1]),
        InMemory.tensor(convolution + ".alpha", []),
      ])
    #expect(file.otherModel == "Stable Diffusion 1, 2 or XL")
    #expect(file.families.isEmpty)
    #expect(throws: AdapterError.self) { try file.adapter() }
  }
}
