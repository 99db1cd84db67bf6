import Adapters
import Checkpoints
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite("What is said of adapters that are no plain LoRA")
struct OtherMethodFaceTests {
  struct Face: CustomTestStringConvertible, Sendable {
    let name: String
    let file: String
    let method: String
    let family: String
    let dialect: String
    let modules: Int
    let keys: Int
    let ranks: [Int]
    var testDescription: String { "\(name)/\(file)" }
  }

  /// Files that lycoris-lora 4.1.3 wrote, and files with the keys of musubi-tuner and SimpleTuner.
  static let faces = [
    Face(
      name: "lycoris-methods-without-a-face", file: "lycoris-glora", method: "GLoRA",
      family: "flux1", dialect: "lycoris", modules: 8, keys: 32, ranks: [4]),
    Face(
      name: "lycoris-methods-without-a-face", file: "lycoris-full", method: "full differences",
      family: "flux1", dialect: "lycoris", modules: 8, keys: 16, ranks: []),
    Face(
      name: "lycoris-methods-without-a-face", file: "lycoris-ia3", method: "IA3",
      family: "flux1", dialect: "lycoris", modules: 8, keys: 16, ranks: []),
    Face(
      name: "lycoris-methods-without-a-face", file: "lycoris-tlora", method: "T-LoRA",
      family: "flux1", dialect: "lycoris", modules: 8, keys: 24, ranks: [4]),
    Face(
      name: "lokr_qwen_musubi", file: "lora", method: "LoKr", family: "qwen-image",
      dialect: "kohya", modules: 2, keys: 6, ranks: [4]),
    Face(
      name: "lokr_flux_simpletuner_whole_factors", file: "lora", method: "LoKr", family: "flux1",
      dialect: "lycoris", modules: 2, keys: 4, ranks: []),
    Face(
      name: "loha_qwen_musubi", file: "lora", method: "LoHa", family: "qwen-image",
      dialect: "kohya", modules: 2, keys: 8, ranks: [4]),
  ]

  @Test("family, dialect, modules and ranks are told", arguments: faces)
  func described(face: Face) throws {
    let path = Fixtures.report(face.name, face.file + ".safetensors")
    #expect(
      AdapterFile.seemsAdapter(names: try SafetensorsFile(opening: path).tensors.map(\.name)))
    let file = try AdapterFile(opening: path)
    #expect(file.families.map(\.name) == [face.family])
    #expect(file.methods.map(\.title) == [face.method])
    #expect(file.methods.map(\.keyCount) == [face.keys])
    #expect(file.dialects.map(\.name) == [face.dialect])
    #expect(file.dialects.map(\.entryCount) == [face.modules])
    #expect(file.canonicalPaths.count == face.modules)
    #expect(file.ranks == face.ranks)
    #expect(file.parameterCount > 0)
  }

  /// LoKr with a divided factor and LoHa are read as the LoRAs that they are.
  @Test(
    "the refusal names the method and says what to do",
    arguments: faces.filter { $0.ranks.isEmpty || !["LoKr", "LoHa"].contains($0.method) })
  func refused(face: Face) throws {
    let path = Fixtures.report(face.name, face.file + ".safetensors")
    for isPartial in [false, true] {
      var options = AdapterReadingOptions()
      options.isPartial = isPartial
      let error = #expect(throws: AdapterError.self) { _ = try Adapter(opening: path, options) }
      let text = try #require(error?.description)
      // Differences of weights and of biases are told apart: they are no LoRA for different reasons.
      let keyCount = face.method == "full differences" ? face.keys / 2 : face.keys
      let count = "\(keyCount) keys of \(face.method), such as '"
      #expect(text.contains(count))
      if ["LoKr", "full differences"].contains(face.method) {
        #expect(text.contains(": baking and drawing take it; glance-merge BASE FILE bakes it"))
      } else {
        #expect(text.contains("merge it with "))
        #expect(
          text.contains("'glance-merge BASE --extract MERGED --rank 64 --output FILE' makes"))
      }
      // There is nothing that --partial could take.
      #expect(!text.contains("--partial"))
    }
  }

  @Test func plainModulesBesideDifferencesCanBeTaken() throws {
    let path = Fixtures.report(
      "comfyui_extracted_lora_with_bias_differences", "lora.safetensors")
    let file = try AdapterFile(opening: path)
    #expect(file.families.map(\.name) == ["flux1"])
    #expect(file.entries.count == 4)
    #expect(file.methods.map(\.keyCount) == [5])
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(
      error?.description.contains(
        "no plain LoRA, since it changes biases or norms: baking and drawing take it; glance-merge BASE FILE "
          + "bakes it; or --partial leaves it out where no bake is made") == true
    )
    var options = AdapterReadingOptions()
    options.isPartial = true
    let adapter = try file.adapter(options)
    // qkv is three modules, linear1 four.
    #expect(adapter.modules.count == 3 + 1 + 1 + 4)
    #expect(
      file.leftOut(options).map(\.whatIsLeftOut) == [
        "5 keys of full differences, such as "
          + "'diffusion_model.double_blocks.0.img_attn.norm.query_norm.diff'"
      ])
  }

  @Test func modulesWhoseLoRAIsNotPlainAreLeftOutAsAWhole() throws {
    let dora = "transformer.transformer_blocks.0.attn.to_q"
    let plain = "transformer.transformer_blocks.0.attn.to_k"
    for (ending, method) in [
      (".lora_magnitude_vector", "DoRA (lora_magnitude_vector)"),
      (".dora_scale", "DoRA (dora_scale)"),
      (".lora_mid.weight", "LoRA with a middle factor (Tucker)"), (".lora_E", "AdaLoRA"),
    ] {
      let file = InMemory.file(
        InMemory.pair(dora) + InMemory.pair(plain) + [InMemory.tensor(dora + ending, [6])])
      var options = AdapterReadingOptions()
      options.isPartial = true
      #expect(
        try file.adapter(options).modules.map(\.path) == ["transformer_blocks.0.attn.to_k"])
      #expect(
        file.leftOut(options).map(\.whatIsLeftOut) == [
          "1 key of \(method), such as '\(dora + ending)', and the LoRA of its module"
        ])
      let alone = InMemory.file(
        InMemory.pair(dora) + [InMemory.tensor(dora + ending, [6])])
      expectRefusal(
        AdapterError.self, saying: "1 key of \(method), such as '\(dora + ending)'"
      ) { try alone.adapter(options) }
    }
  }

  /// FLUX.2's image MLP has 6 · width rows in its first layer, FLUX.1's 4 · width.
  @Test(
    "shapes of other methods tell FLUX.2 from FLUX.1",
    arguments: [
      ([(".lokr_w1", [6, 2]), (".lokr_w2", [8, 4])], "FLUX.2"),
      ([(".lokr_w1", [6, 2]), (".lokr_w2_a", [8, 1]), (".lokr_w2_b", [1, 4])], "FLUX.2"),
      ([(".lokr_w1", [4, 2]), (".lokr_w2", [8, 4])], nil),
      (
        [
          (".hada_w1_a", [48, 2]), (".hada_w1_b", [2, 8]), (".hada_w2_a", [48, 2]),
          (".hada_w2_b", [2, 8]),
        ], "FLUX.2"
      ),
      ([(".diff", [48, 8])], "FLUX.2"), ([(".diff", [32, 8])], nil),
      ([(".lokr_w1", [6, 2])], nil),
    ] as [([(String, [Int])], String?)])
  func shapesOfMethods(tensors: [(String, [Int])], model: String?) {
    let file = InMemory.file(
      tensors.map { InMemory.tensor("lycoris_double_blocks_0_img_mlp_0" + $0.0, $0.1) })
    #expect(file.otherModel == model)
    #expect(file.families.map(\.name) == (model == nil ? ["flux1"] : []))
  }

  @Test func aControlLoRACantBeTakenInPart() throws {
    let stem = "double_blocks.0.img_attn.qkv"
    let file = InMemory.file(
      InMemory.pair(stem, outFeatures: 18)
        + [InMemory.tensor("double_blocks.0.img_attn.norm.query_norm.scale", [2])])
    var options = AdapterReadingOptions()
    options.isPartial = true
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter(options) }
    #expect(error?.description.contains("1 key of BFL control LoRA") == true)
  }

  @Test(
    "names of a checkpoint are no adapter's",
    arguments: [
      "double_blocks.0.img_attn.norm.query_norm.scale", "encoder.block.0.layer.0.q.weight",
      "blocks.0.a1.weight", "down_blocks.0.down.weight",
    ])
  func checkpoints(name: String) {
    #expect(!AdapterFile.seemsAdapter(names: [name]))
  }

  @Test(
    "names of an adapter are known by the table of methods",
    arguments: [
      "lycoris_blocks_0_attn_to_q.on_input", "diffusion_model.blocks.0.attn.to_q.diff",
      "blocks.0.attn.to_q.hada_w1_a", "blocks.0.attn.to_q.boft_R", "blocks.0.attn.to_q.ia3_l",
      "lora_unet_x.alpha", "a.vera_lambda_b",
    ])
  func adapters(name: String) {
    #expect(AdapterFile.seemsAdapter(names: [name]))
  }
}
