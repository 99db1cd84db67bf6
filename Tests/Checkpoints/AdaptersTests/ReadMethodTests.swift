import Adapters
import Elements
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
      says: "(full differences): a weight [18], expected two axes"),
    Fault(
      tensors: [(".dora_scale", [18, 1])],
      says: "(DoRA (dora_scale)): there is no LoRA of the module that it belongs to"),
    Fault(
      tensors: [
        (".lora_down.weight", [2, 6]), (".lora_up.weight", [18, 2]), (".dora_scale", [1, 7]),
      ], says: "(DoRA (dora_scale)): lengths [1, 7], expected [18], [18, 1] or [1, 6]"),
    Fault(
      tensors: [
        (".lora_down.weight", [2, 6]), (".lora_up.weight", [18, 2]), (".dora_scale", [18, 1]),
        (".lora_magnitude_vector", [18]),
      ], says: "(DoRA (lora_magnitude_vector)): several lengths of one module"),
    Fault(
      tensors: [
        (".hada_w1_a", [18, 2]), (".hada_w1_b", [2, 6]), (".hada_w2_a", [18, 2]),
        (".hada_w2_b", [2, 6]), (".lokr_w1", [3, 2]), (".lokr_w2", [6, 3]),
        (".dora_scale", [18, 1]),
      ], says: "(LoKr): lengths of a weight that several methods change"),
    Fault(
      tensors: [(".lokr_w1", [3, 2]), (".lokr_w1_a", [3, 1]), (".lokr_w2", [6, 3])],
      says: "(LoKr): lokr_w1 is there whole and divided"),
    Fault(
      tensors: [
        (".lora_down.weight", [2, 6]), (".lora_up.weight", [18, 2]), (".set_weight", [18, 6]),
      ], says: "(replaced weights): a LoRA of a weight that is replaced"),
    Fault(
      tensors: [(".set_weight", [17, 6])],
      says: "(replaced weights): 17 rows can't be those of 3 fused modules"),
    Fault(
      tensors: [(".set_weight", [18])],
      says: "(replaced weights): a weight [18], expected two axes"),
    Fault(
      tensors: [(".set_weight", [3, 6, 2])],
      says: "(replaced weights): what a weight becomes is [3, 6, 2], expected one axis or two"),
    Fault(
      tensors: [(".bias.set_weight", [18, 6])],
      says: "(replaced weights): a bias or norm [18, 6], expected one axis"),
    Fault(
      tensors: [(".set_weight", [18, 6]), (".scale.set_weight", [18, 6])],
      says: "(replaced weights): several values of one parameter"),
    Fault(
      tensors: [
        (".lora_down.weight", [2, 6]), (".lora_up.weight", [18, 2]), (".reshape_weight", [2]),
      ],
      says: "(LoRA of a reshaped weight): the shape of a weight is no list of whole numbers"),
    Fault(
      tensors: [(".lora_B.bias", [18])],
      says: "(LoRA with biases): there is no LoRA of the module that its bias belongs to"),
  ]

  @Test("are refused by name", arguments: faults)
  func refused(fault: Fault) {
    let file = InMemory.file(fault.tensors.map { InMemory.tensor(Self.stem + $0.ending, $0.shape) })
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
    expectRefusal(AdapterError.self, saying: "'\(Self.stem)' \(fault.says)") {
      try file.adapter(options)
    }
  }

  @Test func lengthsThatAreNoNumbersAreRefused() {
    let scale = unsafe TensorView(
      name: Self.stem + ".dora_scale", dtype: .i32, shape: [18, 1],
      copying: [UInt8](repeating: 0, count: 72).span.bytes)
    let file = InMemory.file(InMemory.pair(Self.stem, outFeatures: 18) + [scale])
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
    expectRefusal(
      AdapterError.self, saying: "dtype I32 of '\(Self.stem).dora_scale', expected F32, F16, BF16"
    ) { try file.adapter(options) }
  }

  /// PEFT saves the two matrices of VeRA under no module's name.
  @Test func whatAllModulesShareIsPartOfTheirMethod() {
    let stem = "base_model.model.transformer_blocks.0.attn.to_q"
    let file = InMemory.file([
      InMemory.tensor(stem + ".vera_lambda_b", [6]), InMemory.tensor(stem + ".vera_lambda_d", [4]),
      InMemory.tensor("base_model.vera_A", [4, 6]), InMemory.tensor("base_model.vera_B", [6, 4]),
    ])
    let errors = file.problems.filter(\.isError).map { "\($0)" }
    #expect(errors.count == 1, "\(errors)")
    #expect(
      errors.first?.hasPrefix("4 keys of VeRA, such as '\(stem).vera_lambda_b': ") == true,
      "\(errors)")
    #expect(file.methods.map(\.modules.count) == [1])
  }

  @Test func anUnknownModuleWithALoRAAndLengthsIsNamedOnce() {
    let name = "transformer.transformer_blocks.0.nothing"
    let file = InMemory.file(
      InMemory.pair(name)
        + [InMemory.tensor(name + ".lora_magnitude_vector", [6])]
        + InMemory.pair("transformer.transformer_blocks.0.attn.to_q"))
    #expect(file.problems.count { $0 == .unknownModule(name: name) } == 1)
  }

  @Test func oneParameterUnderTwoNamesIsRefused() {
    let (one, other) = (
      "lora_unet_double_blocks_0_img_attn_proj", "transformer.transformer_blocks.0.attn.to_out.0"
    )
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
    let biases = InMemory.file([
      InMemory.tensor(one + ".diff_b", [6]), InMemory.tensor(other + ".diff_b", [6]),
    ])
    expectRefusal(
      AdapterError.self,
      saying: "module 'transformer_blocks.0.attn.to_out.0.bias' is given more than once: '\(one)'"
    ) { try biases.adapter(options) }
    let mixed = InMemory.file(
      InMemory.pair(other)
        + [InMemory.tensor(one + ".lokr_w1", [2, 2]), InMemory.tensor(one + ".lokr_w2", [3, 3])])
    expectRefusal(
      AdapterError.self,
      saying: "module 'transformer_blocks.0.attn.to_out.0.weight' is given more than once: '\(one)'"
    ) { try mixed.adapter(options) }
  }

  @Test func aFusedBiasIsDividedByTheColumnsOfAnotherMethod() throws {
    let stem = "lora_unet_single_blocks_0_linear1"
    let file = InMemory.file([
      InMemory.tensor(stem + ".lokr_w1", [2, 2]), InMemory.tensor(stem + ".lokr_w2", [21, 3]),
      InMemory.tensor(stem + ".diff_b", [42]),
    ])
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
    let biases = try file.adapter(options).changes.filter { $0.parameter == .bias }
    #expect(biases.map(\.rows) == [[0..<6], [6..<12], [12..<18], [18..<42]])
  }

  @Test func whatIsALoRAIsTakenWithoutTheRest() throws {
    let (whole, divided) = (
      "lycoris_transformer_blocks_0_attn_to_q", "lycoris_transformer_blocks_0_attn_to_v"
    )
    let file = InMemory.file([
      InMemory.tensor(whole + ".lokr_w1", [2, 2]), InMemory.tensor(whole + ".lokr_w2", [3, 3]),
      InMemory.tensor(divided + ".lokr_w1", [2, 2]),
      InMemory.tensor(divided + ".lokr_w2_a", [3, 1]),
      InMemory.tensor(divided + ".lokr_w2_b", [1, 3]),
    ])
    expectRefusal(
      AdapterError.self,
      saying: "2 keys of LoKr, such as '\(whole).lokr_w1': no plain LoRA, since as one it would be "
        + "larger than the weight itself: baking and drawing take it"
    ) { try file.adapter() }
    var options = AdapterReadingOptions()
    options.isPartial = true
    #expect(
      try file.adapter(options).modules.map(\.path) == ["transformer_blocks.0.attn.to_v"])
    #expect(
      file.leftOut(options).map(\.whatIsLeftOut) == [
        "2 keys of LoKr, such as '\(whole).lokr_w1'"
      ])
  }

  @Test func anAlphaCountsWhereAFactorIsDivided() throws {
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
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
    options.otherMethods = .asTheyAre
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
    options.otherMethods = .asTheyAre
    let both = try file.adapter(options)
    #expect(both.modules.map(\.path) == both.changes.map(\.path) && both.changes.count == 3)
    expectRefusal(
      AdapterError.self,
      saying: "module 'transformer_blocks.0.attn.to_q' is given more than once"
    ) { try file.adapter() }
  }

  /// Whole factors make a pair as large as the weight; who lowers ranks takes it.
  @Test func wholeMatricesArePairsForWhoLowersTheirRank() throws {
    let left = InMemory.tensor(Self.stem + ".lokr_w1", [3, 2])
    let right = InMemory.tensor(Self.stem + ".lokr_w2", [6, 3])
    let difference = InMemory.tensor("lora_unet_double_blocks_0_img_attn_proj.diff", [6, 6])
    let file = InMemory.file([left, right, difference])
    expectRefusal(
      AdapterError.self,
      saying:
        "glance-convert FILE --rank 64 --output LORA makes the closest plain LoRA"
    ) { try file.adapter() }
    var options = AdapterReadingOptions()
    options.otherMethods = .asLoRAOfAnySize
    let modules = try file.adapter(options).modules
    // The smaller sides of the factors, 2 and 3, and of the difference.
    #expect(modules.map(\.rank) == [6, 6, 6, 6])
    func product(_ module: AdapterModule) -> [Float] {
      let (up, down, columns) = (module.up.floats(), module.down.floats(), module.inFeatures)
      var numbers = [Float](repeating: 0, count: module.outFeatures * columns)
      for row in 0..<module.outFeatures {
        for k in 0..<module.rank {
          for column in 0..<columns {
            numbers[row * columns + column] +=
              up[row * module.rank + k] * down[k * columns + column]
          }
        }
      }
      return numbers
    }
    let (a, b) = (left.floats(), right.floats())
    var kronecker: [Float] = []
    for row in 0..<18 {
      for column in 0..<6 {
        let (factor, other) = (a[row / 6 * 2 + column / 3], b[row % 6 * 3 + column % 3])
        kronecker.append(factor * other)
      }
    }
    // Each number is one product, beside zeros.
    #expect(modules.prefix(3).flatMap(product) == kronecker)
    #expect(product(modules[3]) == difference.floats())
  }

  /// ComfyUI cuts `.weight` off a weight's name and puts `.diff` behind the rest, whatever that ends in.
  @Test(
    "differences of norms are known by the norm's name and by that of its scales",
    arguments: [
      ("double_blocks.0.img_attn.norm.query_norm.scale", "transformer_blocks.0.attn.norm_q"),
      ("double_blocks.0.img_attn.norm.query_norm", "transformer_blocks.0.attn.norm_q"),
      ("single_blocks.3.norm.key_norm.scale", "single_transformer_blocks.3.attn.norm_k"),
      ("transformer_blocks.0.attn.norm_added_k", "transformer_blocks.0.attn.norm_added_k"),
    ])
  func norms(stem: String, path: String) throws {
    let values = InMemory.tensor("diffusion_model.\(stem).diff", [2])
    var options = AdapterReadingOptions()
    options.otherMethods = .asTheyAre
    let adapter = try InMemory.file(
      InMemory.pair("diffusion_model.double_blocks.1.img_attn.proj") + [values]
    ).adapter(options)
    let change = try #require(adapter.changes.first)
    #expect(adapter.changes.count == 1 && change.path == path && change.parameter == .weight)
    #expect(change.values.tensors.first?.floats() == values.floats())
  }

  /// PEFT's description and keys by themselves speak of text encoders' methods as of the transformer's.
  @Test func ofTextEncodersTheyHaveTheHeadersScale() throws {
    let stem = "text_encoder.text_model.encoder.layers.0.mlp.fc1"
    let whole = [
      InMemory.tensor(stem + ".lokr_w1", [3, 2]), InMemory.tensor(stem + ".lokr_w2", [6, 3]),
    ]
    let divided = [
      InMemory.tensor(stem + ".lokr_w1", [3, 2]), InMemory.tensor(stem + ".lokr_w2_a", [6, 2]),
      InMemory.tensor(stem + ".lokr_w2_b", [2, 3]),
    ]
    var options = AdapterReadingOptions()
    (options.includesTextEncoders, options.otherMethods) = (true, .asTheyAre)
    let described = (
      "lora_adapter_metadata",
      #"{"text_encoder.peft_type": "LOKR", "text_encoder.alpha": 8, "text_encoder.r": 4}"#
    )
    for (tensors, metadata, scale) in [
      (whole, described, 2.0), (divided, ("lora_alpha", "8"), 4), (divided, ("alpha", "8"), 4),
    ] {
      let file = InMemory.file(tensors, metadata: [metadata])
      let part = try #require(try file.adapter(options).textEncoders["text_encoder"])
      #expect(part.changes.map(\.scale) == [scale])
      #expect(!file.textEncoderProblems.contains { "\($0)".contains("no alpha is stored") })
    }
    let odd = InMemory.file(
      divided + [InMemory.alpha(stem + ".alpha", 2)], metadata: [("lora_alpha", "8")])
    expectRefusal(
      AdapterError.self,
      saying: "'\(stem)': scale 1 from its alpha tensor, 4 from the header's 'lora_alpha'"
    ) { try odd.adapter(options) }
  }

  @Test func ofTextEncodersTheyAreReadByWhoAsksForThem() throws {
    let stem = "lora_te1_text_model_encoder_layers_0_mlp_fc1"
    let file = InMemory.file(
      InMemory.pair(Self.stem, outFeatures: 18)
        + [
          InMemory.tensor(stem + ".lokr_w1", [3, 2]), InMemory.tensor(stem + ".lokr_w2", [6, 3]),
        ])
    // As LoRAs of text encoders they are counted and left alone, unless they are asked for.
    #expect(try file.adapter().modules.count == 3)
    #expect(file.textEncoderTensors.count == 2)
    var options = AdapterReadingOptions()
    options.includesTextEncoders = true
    expectRefusal(
      AdapterError.self,
      saying: "2 keys of LoKr, such as '\(stem).lokr_w1': no plain LoRA, since as one it would be "
        + "larger than the weight itself"
    ) { try file.adapter(options) }
    options.otherMethods = .asTheyAre
    let part = try #require(try file.adapter(options).textEncoders["text_encoder"])
    #expect(part.modules.isEmpty && part.changes.map(\.shape) == [[18, 6]])
    #expect(part.paths == ["text_model.encoder.layers.0.mlp.fc1"])
    options.isPartial = true
    options.otherMethods = .asLoRA
    #expect(try file.adapter(options).textEncoders.isEmpty)
  }
}
