import Adapters
import Checkpoints
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("The scale of an adapter")
struct ScaleTests {
  let stem = "transformer.transformer_blocks.0.attn.to_q"

  @Test(
    "of the recordings",
    arguments: [
      ("flux", "adapter", 1.0, 20, 16), ("flux", "adapter_with_alpha", 4.0, 20, 16),
      ("qwen", "adapter", 1.0, 48, 8), ("qwen", "adapter_with_alpha", 4.0, 48, 8),
    ])
  func goldens(family: String, file: String, scale: Double, modules: Int, rank: Int) throws {
    let path = Goldens.folder(family).appending(file + ".safetensors")
    let adapter = try Adapter(opening: path)
    #expect(adapter.scales == [scale])
    #expect(adapter.modules.count == modules)
    #expect(adapter.ranks == [rank])
    #expect(adapter.modules[0].scaleSource == (scale == 1 ? .assumed : .header))
    #expect(adapter.family?.name == (family == "flux" ? "flux1" : "qwen-image"))
  }

  @Test func anAlphaTensorIsDividedByTheRank() throws {
    let file = InMemory.file(InMemory.pair(stem) + [InMemory.alpha(stem + ".alpha", 0.5)])
    let module = try file.adapter().modules[0]
    #expect(module.scale == 0.25)
    #expect(module.alpha == 0.5)
    #expect(module.scaleSource == .alphaTensor)
    #expect(file.problems == [])
  }

  @Test func anAssumedAlphaIsUsedWhereTheFileSaysNothing() throws {
    let file = InMemory.file(InMemory.pair(stem), assumedAlpha: 8)
    #expect(file.problems == [])
    let adapter = try file.adapter()
    #expect(adapter.modules[0].scale == 4)
    #expect(adapter.modules[0].scaleSource == .given)
    let other = InMemory.file(
      InMemory.pair(stem) + [InMemory.alpha(stem + ".alpha", 2)], assumedAlpha: 8)
    #expect(try other.adapter().modules[0].scale == 1)
  }

  private func header(_ fields: String) -> Metadata {
    [("format", "pt"), ("lora_adapter_metadata", "{\(fields)}")]
  }

  @Test func patternsGiveModulesTheirOwnRankAndAlpha() throws {
    let other = "transformer.transformer_blocks.0.attn.to_k"
    let file = InMemory.file(
      InMemory.pair(stem) + InMemory.pair(other, rank: 3),
      metadata: header(
        #""transformer.r": 2, "transformer.lora_alpha": 4, "#
          + #""transformer.rank_pattern": {"attn.to_k": 3}, "#
          + #""transformer.alpha_pattern": {"^transformer_blocks.0.attn.to_k": 1.5}"#))
    let adapter = try file.adapter()
    #expect(adapter.modules.map(\.scale) == [2, 0.5])
    #expect(file.problems == [.scaleOnlyInHeader(scale: 0.5), .scaleOnlyInHeader(scale: 2)])
  }

  @Test func rankStabilisedAlphaIsDividedByTheRoot() throws {
    let file = InMemory.file(
      InMemory.pair(stem, rank: 4),
      metadata: header(
        #""transformer.r": 4, "transformer.lora_alpha": 6, "transformer.use_rslora": true"#))
    #expect(try file.adapter().modules[0].scale == 3)
  }

  /// PEFT keeps alpha in a file of its own, whose patterns know the names that the file has.
  @Test func adapterConfigSpeaksForAFileAsPEFTSavesIt() throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("adapter_model.safetensors")
    let tensors =
      InMemory.pair("base_model.model.single_blocks.0.linear2", outFeatures: 6)
      + InMemory.pair("base_model.model.single_blocks.1.linear2", outFeatures: 6)
    let writer = try SafetensorsWriter(
      creating: path, tensors: tensors.map(\.description), metadata: [], overwrite: false)
    for (index, tensor) in tensors.enumerated() { try writer.write(tensor.bytes, tensor: index) }
    try writer.commit()
    #expect(try Adapter(opening: path).scales == [1])
    let text = #"{"r": 2, "lora_alpha": 8, "alpha_pattern": {"single_blocks.1.linear2": 1}}"#
    try folder.write(Array(text.utf8), to: "adapter_config.json")
    let adapter = try Adapter(opening: path)
    #expect(adapter.modules.map(\.scale) == [4, 0.5])
    #expect(adapter.modules.allSatisfy { $0.scaleSource == .configuration })
    try folder.write(Array(#"{"r": 3}"#.utf8), to: "adapter_config.json")
    let error = #expect(throws: AdapterError.self) { _ = try Adapter(opening: path) }
    #expect(error?.description.contains("rank 2 in the tensors, 3 in adapter_config.json") == true)
    try folder.write(Array("[".utf8), to: "adapter_config.json")
    expectRefusal(
      AdapterError.self,
      saying: "adapter_config.json: not a JSON document: JSON ends early at byte 1"
    ) { try Adapter(opening: path) }
  }

  @Test(
    "alphas of nought and less are read with a warning",
    arguments: [(0, 0), (-1, -0.5)] as [(Float, Double)])
  func uselessAlphas(alpha: Float, scale: Double) throws {
    let file = InMemory.file(InMemory.pair(stem) + [InMemory.alpha(stem + ".alpha", alpha)])
    #expect(file.problems == [.uselessAlpha(name: stem, alpha: Double(alpha))])
    let adapter = try file.adapter()
    #expect(adapter.scales == [scale])
    let folder = try TemporaryFolder()
    let path = folder.path.appending("out.safetensors")
    var options = AdapterWritingOptions()
    options.form = .dialect("onetrainer")
    options.alpha = .tensor
    options.base = Architecture(
      family: try #require(ModelFamily.named("flux1")),
      dimensions: Dimensions(sizes: [:], blockCounts: [:]))
    if scale < 0 {
      let error = #expect(throws: AdapterError.self) { try adapter.write(to: path, options) }
      #expect(error?.description.contains("negative alpha -1.0, which can't be written") == true)
      options.alpha = .bake
    }
    try adapter.write(to: path, options)
    #expect(deltaError(try Adapter(opening: path), adapter) == 0)
  }

  @Test(
    "alphas that are no finite number are refused",
    arguments: [Float.nan, .infinity, -.infinity])
  func badAlphas(alpha: Float) {
    let file = InMemory.file(InMemory.pair(stem) + [InMemory.alpha(stem + ".alpha", alpha)])
    expectRefusal(AdapterError.self, saying: "alpha is \(alpha), expected one finite number") {
      try file.adapter()
    }
  }

  @Test(
    "contradictions are refused",
    arguments: [
      (
        #""transformer.r": 4, "transformer.lora_alpha": 4"#,
        "rank 2 in the tensors, 4 in lora_adapter_metadata"
      ),
      (
        #""transformer.r": 2, "transformer.lora_alpha": 4"#,
        "scale 0.5 from its alpha tensor, 2 from lora_adapter_metadata"
      ),
      (#""transformer.r": 2, "transformer.lora_alpha": "4""#, "'lora_alpha' is \"4\""),
      (#""transformer.alpha_pattern": {"(a|b)": 3}"#, "more than a path"),
      (#""transformer.r": 2,"#, "not a JSON document"),
    ])
  func contradictions(fields: String, message: String) throws {
    let alpha =
      fields.contains("\"transformer.r\": 2, \"transformer.lora_alpha\": 4")
        && message.hasPrefix("scale") ? [InMemory.alpha(stem + ".alpha", 1)] : []
    let file = InMemory.file(InMemory.pair(stem) + alpha, metadata: header(fields))
    let error = #expect(throws: AdapterError.self) { _ = try file.adapter() }
    #expect(error?.description.contains(message) == true)
  }

  @Test(
    "a pattern matches the end of a path",
    arguments: [
      ("to_q", "transformer_blocks.0.attn.to_q", true),
      ("o_q", "transformer_blocks.0.attn.to_q", false),
      ("attn.to_q", "transformer_blocks.0.attn.to_q", true),
      (#"attn\.to_q"#, "transformer_blocks.0.attn.to_q", true),
      ("^attn.to_q", "transformer_blocks.0.attn.to_q", false),
      ("^transformer_blocks.0.attn.to_q", "transformer_blocks.0.attn.to_q", true),
      (#"transformer_blocks\.\d+\.attn\..*"#, "transformer_blocks.12.attn.to_q", true),
      (#"transformer_blocks\.\d+\.attn\..*"#, "single_transformer_blocks.12.attn.to_q", false),
      ("^transformer_blocks.1.attn.to_q$", "transformer_blocks.12.attn.to_q", false),
    ] as [(String, String, Bool)])
  func patterns(pattern: String, path: String, matches: Bool) throws {
    let file = InMemory.file(
      InMemory.pair("transformer." + path),
      metadata: header(
        "\"transformer.r\": 2, \"transformer.lora_alpha\": 2, \"transformer.alpha_pattern\": "
          + "{\"\(pattern.split(separator: "\\").joined(separator: "\\\\"))\": 6}"))
    #expect(try file.adapter().modules[0].scale == (matches ? 3 : 1))
  }
}

@Suite("The published form: mixed keys and no alpha")
struct PublishedFormTests {
  /// A file as the published script saves it: its converter renames four targets and leaves eight.
  private func published(blocks: Int) -> [TensorView] {
    let old = ["attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0"]
    let new = [
      "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj", "attn.to_add_out",
      "img_mlp.net.2", "img_mod.1", "txt_mlp.net.2", "txt_mod.1",
    ]
    return (0..<blocks).flatMap { n in
      old.flatMap {
        InMemory.pair(
          "transformer.transformer_blocks.\(n).\($0)", down: ".lora.down.weight",
          up: ".lora.up.weight")
      } + new.flatMap { InMemory.pair("transformer.transformer_blocks.\(n).\($0)") }
    }
  }

  @Test func everyModuleCountsAndBothDefectsAreNamed() throws {
    let file = InMemory.file(published(blocks: 60), metadata: [("format", "pt")])
    #expect(
      file.problems == [
        .alphaAssumed(moduleCount: 720), .mixedDialects(applied: 480, of: 720),
      ])
    #expect(file.dialects.map(\.name) == ["diffusers", "diffusers-old"])
    #expect(file.dialects.map(\.entryCount) == [480, 240])
    #expect(file.family?.name == "qwen-image")
    #expect(try file.adapter().modules.count == 720)
  }

  @Test func theScriptsOwnFileReadsWhole() throws {
    let name = "lora_glance_qwen_mixed_suffixes_to_diffusers"
    let file = try AdapterFile(
      opening: conversionCase(name, "in/pytorch_lora_weights.safetensors"))
    #expect(file.problems.contains(.mixedDialects(applied: 24, of: 36)))
    #expect(try file.adapter().modules.count == 36)
  }

  /// When an old key comes first, diffusers renames all old keys and applies everything.
  @Test func oldKeysFirstAreHarmless() throws {
    let tensors =
      InMemory.pair(
        "transformer.single_transformer_blocks.0.attn.to_q", down: ".lora.down.weight",
        up: ".lora.up.weight") + InMemory.pair("transformer.transformer_blocks.0.attn.to_q")
    #expect(InMemory.file(tensors).problems == [.alphaAssumed(moduleCount: 2)])
  }
}
