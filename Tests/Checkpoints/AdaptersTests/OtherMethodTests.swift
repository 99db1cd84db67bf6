import Adapters
import Tensors
import TestSupport
import Testing

@Suite("What an adapter file holds besides plain LoRA")
struct OtherMethodTests {
  let stem = "double_blocks.0.img_attn.qkv"

  private func zeros(_ name: String, _ shape: [Int]) -> TensorView {
    TensorView(name: name, shape: shape, [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  private var pair: [TensorView] { InMemory.pair(stem, outFeatures: 18) }

  /// The keys that black-forest-labs/flux, `modules/lora.py`, gives a control LoRA.
  @Test func aControlLoRAIsNamedAsAWhole() throws {
    let file = InMemory.file(
      pair + InMemory.pair("img_in", inFeatures: 128, outFeatures: 6) + [
        InMemory.tensor(stem + ".lora_B.bias", [18]),
        InMemory.tensor("img_in.lora_B.bias", [6]),
        InMemory.tensor("double_blocks.0.img_attn.norm.query_norm.scale", [2]),
        InMemory.tensor("double_blocks.0.img_attn.norm.key_norm.scale", [2]),
      ])
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    let text = try #require(error?.description)
    #expect(text.contains("4 keys of BFL control LoRA, such as 'double_blocks.0.img_attn.norm."))
    #expect(text.contains("FluxControlPipeline"))
    #expect(!text.contains("LoRA with biases"))
    #expect(!text.contains(";  "))
  }

  @Test func biasesAloneAreNamedForWhatTheyAre() throws {
    let file = InMemory.file(pair + [InMemory.tensor(stem + ".lora_B.bias", [18])])
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(error?.description.contains("1 key of LoRA with biases") == true)
    #expect(error?.description.contains("control") == false)
  }

  @Test func differencesThatAreZeroAreLeftOut() throws {
    for ending in [".diff_b", ".diff"] {
      let file = InMemory.file(pair + [zeros(stem + ending, [18, 1])])
      #expect(
        file.problems == [.zeroDifferences(count: 1), .alphaAssumed(moduleCount: 1)])
      #expect(try file.adapter().modules.count == 3)
      let other = InMemory.file(pair + [InMemory.tensor(stem + ending, [18, 1])])
      let error = #expect(throws: AdapterError.self) { _ = try other.adapter() }
      #expect(error?.description.contains("full differences") == true)
    }
  }

  @Test(
    "LyCORIS' methods are refused by name",
    arguments: [
      ("LoKr", [".lokr_w1", ".lokr_w2_a", ".lokr_w2_b"]),
      ("LoHa", [".hada_w1_a", ".hada_w1_b", ".hada_w2_a", ".hada_w2_b"]),
      ("OFT or BOFT", [".oft_blocks"]), ("GLoRA", [".a1.weight", ".b2.weight"]),
    ] as [(String, [String])])
  func lycoris(method: String, endings: [String]) throws {
    let stem = "lycoris_transformer_blocks_0_attn_to_q"
    let file = InMemory.file(
      endings.map { InMemory.tensor(stem + $0, [2, 2]) } + [InMemory.alpha(stem + ".alpha", 1)])
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(error?.description.contains("of \(method), such as '\(stem)") == true)
    // The alpha belongs to the method and is no second complaint.
    #expect(file.problems.count == 1)
  }
}
