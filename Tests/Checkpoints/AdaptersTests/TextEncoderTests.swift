import Adapters
import Checkpoints
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("The text encoders' parts of an adapter")
struct TextEncoderTests {
  let transformer = InMemory.pair("transformer.single_transformer_blocks.0.attn.to_q")

  private var everything: AdapterReadingOptions {
    var options = AdapterReadingOptions()
    options.includesTextEncoders = true
    return options
  }

  @Test(
    "are found under every name that loaders know",
    arguments: [
      (
        "lora_te1_text_model_encoder_layers_11_self_attn_out_proj", ".lora_down.weight",
        ".lora_up.weight", "text_encoder", "text_model.encoder.layers.11.self_attn.out_proj"
      ),
      (
        "lora_te_text_model_encoder_layers_0_mlp_fc2", ".lora_down.weight", ".lora_up.weight",
        "text_encoder", "text_model.encoder.layers.0.mlp.fc2"
      ),
      (
        "lora_te3_encoder_block_23_layer_0_SelfAttention_o", ".lora_down.weight",
        ".lora_up.weight", "text_encoder_2", "encoder.block.23.layer.0.SelfAttention.o"
      ),
      (
        "lora_te2_encoder_block_1_layer_1_DenseReluDense_wi_0", ".lora_down.weight",
        ".lora_up.weight", "text_encoder_2", "encoder.block.1.layer.1.DenseReluDense.wi_0"
      ),
      (
        "text_encoder.text_model.encoder.layers.1.self_attn.q_proj",
        ".lora_linear_layer.down.weight",
        ".lora_linear_layer.up.weight", "text_encoder",
        "text_model.encoder.layers.1.self_attn.q_proj"
      ),
      (
        "text_encoder_2.encoder.block.0.layer.1.DenseReluDense.wo", ".lora_A.weight",
        ".lora_B.weight", "text_encoder_2", "encoder.block.0.layer.1.DenseReluDense.wo"
      ),
      (
        "text_encoders.clip_l.transformer.text_model.encoder.layers.2.self_attn.k_proj",
        ".lora_A.weight", ".lora_B.weight", "text_encoder",
        "text_model.encoder.layers.2.self_attn.k_proj"
      ),
      (
        "text_encoders.t5xxl.transformer.encoder.block.9.layer.0.SelfAttention.v",
        ".lora_down.weight", ".lora_up.weight", "text_encoder_2",
        "encoder.block.9.layer.0.SelfAttention.v"
      ),
    ] as [(String, String, String, String, String)])
  func names(
    stem: String, down: String, up: String, component: String, path: String
  ) throws {
    let file = InMemory.file(
      transformer + InMemory.pair(stem, down: down, up: up) + [
        InMemory.alpha(stem + ".alpha", 1)
      ])
    let module = try #require(try file.adapter(everything).textEncoders[component]?.modules.first)
    #expect(module.path == path)
    #expect(module.name == stem)
    #expect(module.scale == 0.5)
    #expect(file.textEncoderTensors.count == 3)
    // Who doesn't ask for them gets the transformer alone.
    #expect(try file.adapter().textEncoders.isEmpty)
    #expect(file.entries.count == 1)
  }

  @Test func belongToTheFamily() throws {
    let clip = InMemory.pair("text_encoder.text_model.encoder.layers.0.mlp.fc1")
    // The attention of both families has these names.
    let shared = InMemory.pair("transformer.transformer_blocks.0.attn.to_q")
    #expect(InMemory.file(shared + clip).family?.name == "flux1")
    let alone = InMemory.file(clip)
    #expect(alone.family?.name == "flux1")
    #expect(try alone.adapter(everything).modules.isEmpty)
    // A sound file, though only what converts it can use it.
    #expect(!alone.problems.contains { $0.isError })
    expectRefusal(
      AdapterError.self,
      saying: "no adapter module is there for the transformer, only 1 for text encoders: "
        + "converting, drawing and a bake of a pipeline's folder into another take them"
    ) { try alone.adapter() }
    let qwen = InMemory.file(
      InMemory.pair("transformer.transformer_blocks.0.img_mod.1") + clip)
    expectRefusal(
      AdapterError.self,
      saying: "'text_encoder.text_model.encoder.layers.0.mlp.fc1' maps to no module"
    ) { try qwen.adapter(everything) }
    #expect(try qwen.adapter().modules.count == 1)
  }

  @Test(
    "are refused where they aren't understood, unless partial",
    arguments: [
      "lora_te1_text_model_encoder_layers_0_bogus", "text_encoder.text_model.final_norm",
      "lora_te1_encoder_block_0_layer_0_SelfAttention_q",
    ])
  func unknown(stem: String) throws {
    let file = InMemory.file(transformer + InMemory.pair(stem))
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter(everything) }
    #expect(error?.description.contains("'\(stem)'") == true)
    var partial = everything
    partial.isPartial = true
    #expect(try file.adapter(partial).textEncoders.isEmpty)
    #expect(file.leftOut(partial) == [.unknownModule(name: stem)])
    #expect(try file.adapter().modules.count == 1)
  }

  /// What ComfyUI extracts of a text encoder: differences of norms, and pairs of its tables.
  @Test func normsHaveDifferencesAndTablesPairs() throws {
    let start = "text_encoders.clip_l.transformer.text_model."
    let norm = start + "final_layer_norm"
    let table = start + "embeddings.token_embedding"
    let file = InMemory.file(
      transformer
        + [InMemory.tensor(norm + ".diff", [6]), InMemory.tensor(norm + ".diff_b", [6])]
        + InMemory.pair(table, outFeatures: 18))
    var options = everything
    options.otherMethods = .asTheyAre
    let part = try #require(try file.adapter(options).textEncoders["text_encoder"])
    #expect(part.modules.map(\.path) == ["text_model.embeddings.token_embedding"])
    #expect(
      part.changes.map(\.parameterName) == [
        "text_model.final_layer_norm.weight", "text_model.final_layer_norm.bias",
      ])
    // PEFT's embeddings have other factors, which its loaders look for.
    let folder = try TemporaryFolder()
    let alone = try InMemory.file(InMemory.pair(table, outFeatures: 18)).adapter(everything)
    expectRefusal(
      AdapterError.self,
      saying: "dialect 'diffusers' has no form for a LoRA of the table "
        + "'text_encoder.text_model.embeddings.token_embedding'"
    ) { try alone.write(to: folder.path.appending("a.safetensors")) }
    let t5 = InMemory.file(
      transformer + InMemory.pair("text_encoder_2.encoder.embed_tokens", outFeatures: 18))
    #expect(
      try t5.adapter(options).textEncoders["text_encoder_2"]?.modules.map(\.path) == ["shared"])
    // A name that is no module's is told once, whatever is done to its parameters.
    let bogus = "lora_te1_text_model_final_norm"
    let twice = InMemory.file(
      transformer
        + [InMemory.tensor(bogus + ".diff", [6]), InMemory.tensor(bogus + ".diff_b", [6])])
    #expect(twice.textEncoderProblems == [.unknownModule(name: bogus)])
    let odd = InMemory.file(transformer + InMemory.pair(norm))
    expectRefusal(
      AdapterError.self, saying: "'\(norm)' is a module without a weight matrix to adapt"
    ) { try odd.adapter(everything) }
  }

  @Test(
    "of other models are named, and never converted",
    arguments: [
      ("lora_te_text_model_encoder_layers_0_mlp_fc1", 768, "Stable Diffusion 1 or 2"),
      ("lora_te2_text_model_encoder_layers_0_mlp_fc1", 1280, "Stable Diffusion XL or 3"),
      (
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj", 1024,
        "Stable Diffusion 1 or 2"
      ),
      (
        "text_encoder.model.language_model.layers.0.self_attn.q_proj", 5120,
        "a model with Qwen3 or Mistral as text encoder (Z-Image, FLUX.2)"
      ),
      (
        "text_encoder.model.layers.0.self_attn.q_proj", 2048,
        "OmniGen2 or another with Qwen2.5-VL of 3B"
      ),
      ("text_encoder_2.text_model.encoder.layers.0.mlp.fc1", 1280, "Stable Diffusion XL or 3"),
      (
        "text_encoder.model.layers.0.mlp.up_proj", 2560,
        "a model with Qwen3 or Mistral as text encoder (Z-Image, FLUX.2)"
      ),
    ])
  func neighbours(stem: String, width: Int, title: String) throws {
    // SDXL's first text encoder is FLUX.1's.
    let first = InMemory.pair("lora_te1_text_model_encoder_layers_0_mlp_fc1")
    let isFlat = stem.hasPrefix("lora_te2")
    let file = InMemory.file((isFlat ? first : []) + InMemory.pair(stem, inFeatures: width))
    #expect(file.otherModel == title && file.family == nil)
    expectRefusal(AdapterError.self, saying: "an adapter for \(title), expected one for") {
      try file.adapter(everything)
    }
    // Who knows better says so.
    let asked = InMemory.file(InMemory.pair(stem, inFeatures: width), family: "flux1")
    #expect(asked.otherModel == nil)
    let stated = InMemory.file(
      InMemory.pair(stem, inFeatures: width), metadata: [("ss_base_model_version", "flux1")])
    #expect(stated.otherModel == nil)
    // Beside a transformer's modules that tell the family nothing is guessed.
    let whole = InMemory.file(transformer + InMemory.pair(stem, inFeatures: width))
    #expect(whole.otherModel == nil)
  }

  @Test(
    "of other models are named by what ComfyUI calls them",
    arguments: [
      ("clip_g.transformer.text_model.encoder.layers.0.mlp.fc1", "Stable Diffusion XL or 3"),
      ("umt5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q", "Wan"),
      (
        "qwen3_4b.transformer.model.layers.0.self_attn.q_proj",
        "a model with Qwen3 or Mistral as text encoder (Z-Image, FLUX.2)"
      ),
    ])
  func neighboursInComfyUI(path: String, title: String) {
    #expect(InMemory.file(InMemory.pair("text_encoders." + path)).otherModel == title)
  }

  /// OFT isn't read, wherever it is.
  @Test func ofAnotherMethodAreLeftOutBesideLoRAs() throws {
    let stem = "lora_te1_text_model_encoder_layers_0_self_attn_"
    let file = InMemory.file(
      InMemory.pair(stem + "q_proj") + [InMemory.tensor(stem + "k_proj.oft_blocks", [2, 3, 3])])
    #expect(throws: AdapterError.self) { try file.adapter(everything) }
    var partial = everything
    partial.isPartial = true
    #expect(
      try file.adapter(partial).textEncoders["text_encoder"]?.paths == [
        "text_model.encoder.layers.0.self_attn.q_proj"
      ])
  }

  @Test func brokenFactorsRefuseOnlyWhoReadsThem() throws {
    let stem = "lora_te1_text_model_encoder_layers_0_mlp_fc1"
    let half = [InMemory.tensor(stem + ".lora_down.weight", [2, 6])]
    let nan = InMemory.pair(stem) + [InMemory.alpha(stem + ".alpha", .nan)]
    for (tensors, text) in [
      (half, "has no up factor (B)"), (nan, "alpha is nan, expected one finite number"),
    ] {
      let file = InMemory.file(transformer + tensors)
      expectRefusal(AdapterError.self, saying: text) { try file.adapter(everything) }
      #expect(try file.adapter().modules.count == 1)
      #expect(file.problems.allSatisfy { !$0.isError })
    }
  }

  @Test func theHeaderHasFieldsOfTheirOwn() throws {
    let stem = "text_encoder.text_model.encoder.layers.0.mlp.fc1"
    let header =
      #"{"transformer.r": 2, "transformer.lora_alpha": 2, "text_encoder.r": 2, "#
      + #""text_encoder.lora_alpha": 1}"#
    let file = InMemory.file(
      transformer + InMemory.pair(stem), metadata: [("lora_adapter_metadata", header)])
    let adapter = try file.adapter(everything)
    #expect(adapter.modules[0].scale == 1)
    #expect(adapter.textEncoders["text_encoder"]?.modules[0].scale == 0.5)
  }

  private func adapter(scale: Double) -> Adapter {
    func module(_ path: String) -> AdapterModule {
      AdapterModule(
        path: path, down: InMemory.tensor(path + "a", [2, 8]),
        up: InMemory.tensor(path + "b", [8, 2]), scale: scale)
    }
    return Adapter(
      family: ModelFamily.named("flux1"),
      modules: [module("single_transformer_blocks.0.attn.to_q")],
      textEncoders: [
        "text_encoder": AdapterPart(
          modules: [module("text_model.encoder.layers.0.self_attn.q_proj")]),
        "text_encoder_2": AdapterPart(modules: [module("encoder.block.3.layer.0.SelfAttention.q")]),
      ])
  }

  @Test(
    "are written as each dialect names them",
    arguments: [
      (
        "diffusers", "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
        "text_encoder_2.encoder.block.3.layer.0.SelfAttention.q.lora_B.weight"
      ),
      (
        "kohya", "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
        "lora_te3_encoder_block_3_layer_0_SelfAttention_q.lora_up.weight"
      ),
      (
        "onetrainer", "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.alpha",
        "lora_te2_encoder_block_3_layer_0_SelfAttention_q.lora_up.weight"
      ),
      (
        "comfyui",
        "text_encoders.clip_l.transformer.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
        "text_encoders.t5xxl.transformer.encoder.block.3.layer.0.SelfAttention.q.lora_B.weight"
      ),
    ] as [(String, String, String)])
  func forms(dialect: String, clip: String, t5: String) throws {
    let folder = try TemporaryFolder()
    let original = adapter(scale: 0.5)
    for policy in AdapterWritingOptions.AlphaPolicy.allCases {
      if policy == .metadata && dialect != "diffusers" { continue }
      let path = folder.path.appending("\(policy).safetensors")
      var options = AdapterWritingOptions()
      options.form = .dialect(dialect)
      options.alpha = policy
      try original.write(to: path, options)
      let file = try SafetensorsFile(opening: path)
      #expect(file.tensors.map(\.name).contains(clip))
      #expect(file.tensors.map(\.name).contains(t5))
      let read = try Adapter(opening: path, everything)
      for (component, part) in original.textEncoders {
        let found = try #require(read.textEncoders[component])
        #expect(
          deltaError(
            Adapter(family: nil, modules: found.modules),
            Adapter(family: nil, modules: part.modules)) == 0)
        #expect(found.modules.map(\.scale) == [policy == .bake ? 1 : 0.5])
      }
    }
  }

  @Test func theWrittenHeaderDescribesEveryComponent() throws {
    let metadata = adapter(scale: 0.5).cleanMetadata()
    let text = try #require(metadata["lora_adapter_metadata"])
    let json = try JSONValue(parsing: text)
    for component in ["transformer", "text_encoder", "text_encoder_2"] {
      #expect(json["\(component).r"]?.integer == 2)
      #expect(json["\(component).lora_alpha"]?.integer == 2)
    }
    #expect(
      json["text_encoder_2.target_modules"]?.array?.compactMap(\.string) == [
        "encoder.block.3.layer.0.SelfAttention.q"
      ])
  }

  @Test func aDialectWithoutAFormForThemSaysSo() throws {
    let folder = try TemporaryFolder()
    let module = AdapterModule(
      path: "transformer_blocks.0.img_mod.1", down: InMemory.tensor("a", [2, 8]),
      up: InMemory.tensor("b", [48, 2]))
    let encoder = AdapterModule(
      path: "model.layers.0.self_attn.q_proj", down: InMemory.tensor("a", [2, 8]),
      up: InMemory.tensor("b", [8, 2]))
    let adapter = Adapter(
      family: ModelFamily.named("qwen-image"), modules: [module],
      textEncoders: ["text_encoder": AdapterPart(modules: [encoder])])
    for dialect in ["lightning", "kohya"] {
      var options = AdapterWritingOptions()
      options.form = .dialect(dialect)
      let error = #expect(throws: AdapterError.self) {
        try adapter.write(to: folder.path.appending("x.safetensors"), options)
      }
      #expect(
        error?.description.contains("'\(dialect)' has no form for the modules of text_encoder")
          == true)
      #expect(adapter.textEncodersWithoutForm(in: dialect) == ["text_encoder"])
    }
    #expect(folder.entries == [])
    #expect(adapter.textEncodersWithoutForm(in: "comfyui") == [])
    #expect(adapter.textEncodersPassedOver(by: "diffusers") == ["text_encoder"])
    #expect(self.adapter(scale: 1).textEncodersPassedOver(by: "diffusers") == ["text_encoder_2"])
  }

  /// Saved by FluxPipeline.save_lora_weights of diffusers 0.42.1 with transformers 5.24.0.
  @Test(
    "names of transformers 5 are read and written as the older ones",
    arguments: [
      (
        "diffusers",
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight"
      ),
      (
        "comfyui",
        "text_encoders.clip_l.transformer.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight"
      ),
      ("kohya", "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight"),
    ])
  func transformers5(dialect: String, key: String) throws {
    let path = Fixtures.report(
      "text-encoder-lora-transformers5", "pytorch_lora_weights.safetensors")
    var reading = AdapterReadingOptions()
    reading.includesTextEncoders = true
    let adapter = try AdapterFile(opening: path).adapter(reading)
    #expect(adapter.textEncoders["text_encoder"]?.modules.count == 2)
    let folder = try TemporaryFolder()
    let output = folder.path.appending("out.safetensors")
    var options = AdapterWritingOptions()
    options.form = .dialect(dialect)
    try adapter.write(to: output, options)
    #expect(try SafetensorsFile(opening: output).tensors.contains { $0.name == key })
  }

  @Test func theLanguageModelOfTransformers5IsTheOlderOne() throws {
    let file = InMemory.file(
      InMemory.pair("transformer.transformer_blocks.0.img_mod.1")
        + InMemory.pair("text_encoder.model.language_model.layers.3.mlp.up_proj"))
    var reading = AdapterReadingOptions()
    reading.includesTextEncoders = true
    let adapter = try file.adapter(reading)
    #expect(
      adapter.textEncoders["text_encoder"]?.modules.map(\.path) == ["model.layers.3.mlp.up_proj"])
  }
}
