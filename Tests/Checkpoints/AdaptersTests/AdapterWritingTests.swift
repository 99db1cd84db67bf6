import Adapters
import Checkpoints
import Elements
import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Writing an adapter")
struct AdapterWritingTests {
  let folder: TemporaryFolder
  let path: FilePath

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path.appending("out.safetensors")
  }

  @Test(
    "bakes the scale and keeps the meaning",
    arguments: [("flux", DType.f32, 1e-7), ("qwen", .f32, 1e-7), ("flux", .bf16, 6e-3)])
  func bakes(family: String, dtype: DType, tolerance: Double) throws {
    let source = Goldens.folder(family).appending("adapter_with_alpha.safetensors")
    let original = try Adapter(opening: source)
    var options = AdapterWritingOptions()
    options.dtype = dtype
    try original.write(to: path, options)
    let written = try AdapterFile(opening: path)
    #expect(written.problems == [])
    #expect(written.scales == [1])
    #expect(written.dialects.map(\.name) == ["diffusers"])
    #expect(deltaError(try written.adapter(), original) <= tolerance)
    #expect(try SafetensorsFile(opening: path).tensors.allSatisfy { $0.dtype == dtype })
  }

  @Test func aScaleOfOneCopiesTheFactors() throws {
    let source = Goldens.folder("flux").appending("adapter.safetensors")
    try Adapter(opening: source).write(to: path)
    let (before, after) = (
      try SafetensorsFile(opening: source), try SafetensorsFile(opening: path)
    )
    #expect(after.tensors.map(\.description) == before.tensors.map(\.description))
    for (left, right) in zip(before.tensors, after.tensors) {
      #expect(left.floats() == right.floats())
    }
  }

  @Test func bf16IsRoundedOnceToNearestEven() throws {
    let name = "transformer_blocks.0.attn.to_q"
    // 3 · 0x3F80_5556 is 0x4040_8001 after rounding to float32: above half, so 0x4041.
    let value = Float(bitPattern: 0x3F80_5556)
    let module = AdapterModule(
      path: name, down: TensorView(name: "a", shape: [1, 2], [1, 2]),
      up: TensorView(name: "b", shape: [2, 1], [value, 1]), scale: 3)
    var options = AdapterWritingOptions()
    options.dtype = .bf16
    try Adapter(family: nil, modules: [module]).write(to: path, options)
    let up = try SafetensorsFile(opening: path)
      .tensor(named: "transformer.\(name).lora_B.weight").floats()
    #expect((value * 3).bitPattern == 0x4040_8001)
    #expect(up == [Float(bitPattern: 0x4041_0000), 3])
  }

  @Test func metadataDescribesEveryModule() throws {
    let base = try PipelineFolder(opening: Fixtures.model("tiny-qwen-image")).open("transformer")
      .architecture()
    let source = Goldens.folder("qwen").appending("adapter_with_alpha.safetensors")
    var options = AdapterWritingOptions()
    options.base = base
    var adapter = try Adapter(opening: source)
    adapter.metadata = [("note", "kept")]
    try adapter.write(to: path, options)
    let metadata = try SafetensorsFile(opening: path).metadata
    #expect(metadata.map(\.key) == ["format", "note", "lora_adapter_metadata"])
    #expect(metadata[0].value == "pt")
    let json = try JSONValue(parsing: metadata[2].value)
    #expect(json["transformer.r"]?.integer == 8)
    #expect(json["transformer.lora_alpha"]?.integer == 8)
    #expect(json["transformer.peft_type"]?.string == "LORA")
    #expect(
      json["transformer.target_modules"]?.array?.compactMap(\.string) == [
        "attn.add_k_proj", "attn.add_q_proj", "attn.add_v_proj", "attn.to_add_out", "attn.to_k",
        "attn.to_out.0", "attn.to_q", "attn.to_v", "img_mlp.net.2", "img_mod.1", "txt_mlp.net.2",
        "txt_mod.1",
      ])
  }

  @Test func unequalRanksAreInThePatterns() throws {
    let modules = [("proj_out", 1), ("single_transformer_blocks.0.proj_out", 2), ("x_embedder", 2)]
      .map { name, rank in
        AdapterModule(
          path: name, down: InMemory.tensor("a", [rank, 4]), up: InMemory.tensor("b", [4, rank]),
          scale: 0.5)
      }
    let adapter = Adapter(family: nil, modules: modules)
    try adapter.write(to: path)
    let file = try AdapterFile(opening: path)
    let text = try #require(file.metadata("lora_adapter_metadata"))
    let json = try JSONValue(parsing: text)
    #expect(json["transformer.r"]?.integer == 2)
    #expect(json["transformer.rank_pattern"] == ["^proj_out": 1])
    #expect(json["transformer.alpha_pattern"] == ["^proj_out": 1])
    #expect(
      json["transformer.target_modules"]?.array?.compactMap(\.string) == modules.map(\.path))
    #expect(deltaError(try file.adapter(), adapter) == 0)
  }

  @Test func anExistingFileStaysUnlessAsked() throws {
    try folder.write([1, 2, 3], to: "out.safetensors")
    let adapter = try Adapter(opening: Goldens.folder("flux").appending("adapter.safetensors"))
    expectRefusal(FileError.self, saying: "out.safetensors: exists already; choose another name") {
      try adapter.write(to: path)
    }
    #expect(folder.entries == ["out.safetensors"])
    var options = AdapterWritingOptions()
    options.overwrite = true
    try adapter.write(to: path, options)
    #expect(try Adapter(opening: path).modules.count == 20)
  }

  @Test func thePublishedFormHasItsDefects() throws {
    var options = AdapterWritingOptions()
    options.form = .published
    let qwen = try Adapter(
      opening: Goldens.folder("qwen").appending("adapter_with_alpha.safetensors"))
    try qwen.write(to: path, options)
    let file = try AdapterFile(opening: path)
    #expect(file.metadata.map(\.key) == ["format"])
    #expect(
      file.problems == [.alphaAssumed(moduleCount: 48), .mixedDialects(applied: 32, of: 48)])
    // The factors are those of training: a quarter of the strength without its alpha.
    let module = try file.adapter().modules[0]
    #expect(module.scale == 1)
    #expect(
      module.up.floats() == (try #require(qwen.module(at: module.path))).up.floats())

    options.overwrite = true
    let flux = try Adapter(opening: Goldens.folder("flux").appending("adapter.safetensors"))
    try flux.write(to: path, options)
    #expect(try AdapterFile(opening: path).dialects.map(\.name) == ["diffusers-old"])
  }
}
