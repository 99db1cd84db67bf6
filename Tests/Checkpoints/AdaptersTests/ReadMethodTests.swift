import Adapters
import Tensors
import TestSupport
import Testing

@Suite("Tensors of other methods that contradict each other")
struct ReadMethodTests {
  struct Fault: CustomTestStringConvertible, Sendable {
    let tensors: [(ending: String, shape: [Int])]
    let says: String
    var testDescription: String { says }
  }

  private static let stem = "lora_unet_double_blocks_0_img_attn_qkv"

  static let faults = [
    Fault(
      tensors: [(".hada_w1_a", [18, 2]), (".hada_w1_b", [2, 6]), (".hada_w2_a", [18, 2])],
      says: "(LoHa): there is no hada_w2_b"),
    Fault(
      tensors: [
        (".hada_w1_a", [18, 2]), (".hada_w1_b", [2, 6]), (".hada_w2_a", [18, 2]),
        (".hada_w2_b", [2, 3]),
      ], says: "(LoHa): its two products differ in shape"),
    Fault(
      tensors: [(".lokr_w1", [3, 2]), (".lokr_w2_a", [6, 2]), (".lokr_w2_b", [1, 3])],
      says: "(LoKr): lokr_w2_a [6, 2] and lokr_w2_b [1, 3] can't be multiplied"),
    Fault(
      tensors: [(".lokr_w1", [3]), (".lokr_w2", [6, 3])],
      says: "(LoKr): lokr_w1 is [3], expected two axes"),
    Fault(
      tensors: [(".lokr_w1", [7, 2]), (".lokr_w2", [1, 3])],
      says: "(LoKr): 7 rows can't be those of 3 fused modules"),
    Fault(
      tensors: [(".diff_b", [17])],
      says: "(full differences): 17 rows can't be those of 3 fused modules"),
    Fault(
      tensors: [(".diff", [18])],
      says: "(full differences): a weight with one axis, which its module has not"),
    Fault(
      tensors: [(".dora_scale", [18, 1])],
      says: "(DoRA (dora_scale)): there is no LoRA of the module that it belongs to"),
    Fault(
      tensors: [
        (".lora_down.weight", [2, 6]), (".lora_up.weight", [18, 2]), (".dora_scale", [1, 7]),
      ], says: "(DoRA (dora_scale)): lengths [1, 7], expected [18], [18, 1] or [1, 6]"),
    Fault(
      tensors: [(".lora_B.bias", [18])],
      says: "(LoRA with biases): there is no LoRA of the module that its bias belongs to"),
  ]

  @Test("are refused by name", arguments: faults)
  func refused(fault: Fault) {
    let file = InMemory.file(fault.tensors.map { InMemory.tensor(Self.stem + $0.ending, $0.shape) })
    var options = AdapterReadingOptions()
    options.takesOtherMethods = true
    expectRefusal(AdapterError.self, saying: "'\(Self.stem)' \(fault.says)") {
      try file.adapter(options)
    }
  }

  @Test func anAlphaCountsWhereAFactorIsDivided() throws {
    var options = AdapterReadingOptions()
    options.takesOtherMethods = true
    let alpha = TensorView(name: Self.stem + ".alpha", shape: [], [3])
    let divided = InMemory.file([
      InMemory.tensor(Self.stem + ".lokr_w1", [3, 2]),
      InMemory.tensor(Self.stem + ".lokr_w2_a", [6, 2]),
      InMemory.tensor(Self.stem + ".lokr_w2_b", [2, 3]), alpha,
    ])
    #expect(try divided.adapter(options).changes.map(\.scale) == [1.5, 1.5, 1.5])
    #expect(divided.scales == [1.5])
    let whole = InMemory.file([
      InMemory.tensor(Self.stem + ".lokr_w1", [3, 2]),
      InMemory.tensor(Self.stem + ".lokr_w2", [6, 3]), alpha,
    ])
    #expect(try whole.adapter(options).changes.map(\.scale) == [1, 1, 1])
  }

  @Test func rowsOfFusedModulesAreDivided() throws {
    var options = AdapterReadingOptions()
    options.takesOtherMethods = true
    let file = InMemory.file([
      InMemory.tensor("lora_unet_single_blocks_0_linear1.diff", [42, 6]),
      InMemory.tensor("lora_unet_single_blocks_0_linear1.diff_b", [42]),
      InMemory.tensor("lora_unet_final_layer_adaLN_modulation_1.diff", [12, 6]),
      InMemory.tensor("lora_unet_double_blocks_0_img_attn_norm_query_norm.diff", [2]),
    ])
    let block = "single_transformer_blocks.0."
    let parts = ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"].map { block + $0 }
    let rows = [0..<6, 6..<12, 12..<18, 18..<42]
    let changes = try file.adapter(options).changes
    #expect(
      changes.map(\.path)
        == parts + parts + ["norm_out.linear", "transformer_blocks.0.attn.norm_q"])
    #expect(changes.map(\.rows) == (rows + rows).map { [$0] } + [[6..<12, 0..<6], [0..<2]])
    #expect(
      changes.map(\.parameter) == [
        .weight, .weight, .weight, .weight, .bias, .bias, .bias, .bias, .weight, .weight,
      ])
  }

  @Test func aLoKrBesideALoRAOfItsModuleCountsToo() throws {
    let file = InMemory.file(
      InMemory.pair(Self.stem, outFeatures: 18) + [
        InMemory.tensor(Self.stem + ".lokr_w1", [3, 2]),
        InMemory.tensor(Self.stem + ".lokr_w2_a", [6, 1]),
        InMemory.tensor(Self.stem + ".lokr_w2_b", [1, 3]),
      ])
    var options = AdapterReadingOptions()
    options.takesOtherMethods = true
    let both = try file.adapter(options)
    #expect(both.modules.map(\.path) == both.changes.map(\.path) && both.changes.count == 3)
    expectRefusal(
      AdapterError.self,
      saying: "module 'transformer_blocks.0.attn.to_q' is given more than once"
    ) { try file.adapter() }
  }

  @Test func ofTextEncodersOnlyLoRAsAreRead() {
    let stem = "lora_te1_text_model_encoder_layers_0_mlp_fc1"
    let file = InMemory.file(
      InMemory.pair(Self.stem, outFeatures: 18)
        + [
          InMemory.tensor(stem + ".lokr_w1", [3, 2]), InMemory.tensor(stem + ".lokr_w2", [6, 3]),
        ])
    var options = AdapterReadingOptions()
    options.takesOtherMethods = true
    expectRefusal(
      AdapterError.self, saying: "'\(stem)' (LoKr): of text encoders only plain LoRAs are read"
    ) { try file.adapter(options) }
  }
}
