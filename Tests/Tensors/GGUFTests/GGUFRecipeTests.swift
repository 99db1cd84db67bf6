import Elements
import Failures
import GGUF
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Which type each tensor gets")
struct GGUFRecipeTests {
  private func recipe(_ architecture: String, _ preset: String) throws -> GGUFRecipe {
    let architecture = try #require(GGUFArchitecture.all.first { $0.name == architecture })
    return GGUFRecipe(architecture: architecture, preset: try GGUFPreset.named(preset))
  }

  @Test("as other converters choose", arguments: 0..<3)
  func recorded(index: Int) throws {
    let text = try Fixtures.text(Fixtures.folder.appending("gguf/recipes.json"))
    let recorded = try #require(JSONValue(parsing: text)["recipes"]?.array)[index]
    let values = try #require(recorded["values"]?.object)
    let recipe = try recipe(
      values["general.architecture"]?.string ?? "", recorded["preset"]?.string ?? "")
    let tensors = try #require(recorded["tensors"]?.array)
    var sources: [DType] = []
    for tensor in tensors {
      let name = try #require(tensor["name"]?.string)
      let source = try #require(tensor["source"]?.string.flatMap(DType.init(rawValue:)))
      let shape = try #require(tensor["shape"]?.array).compactMap(\.integer)
      let type = recipe.type(name: name, source: source, shape: shape)
      #expect(type?.name == tensor["type"]?.string, "\(name)")
      sources.append(source)
    }
    let metadata = recipe.metadata(sources: sources)
    #expect(metadata.map(\.key) == values.members.map(\.key))
    for (key, value) in metadata {
      #expect(value.string == values[key]?.string && value.integer == values[key]?.integer)
    }
  }

  /// city96/ComfyUI-GGUF `tools/convert.py`: one axis or at most 1024 elements is F32 when the source
  /// is F32 or BF16; a large F32 becomes F16; F16 and eight bits become F16 throughout.
  @Test(
    arguments: [
      (.f32, [4096], "F32"), (.f32, [32, 32], "F32"), (.f32, [33, 32], "F16"),
      (.bf16, [4096], "F32"), (.bf16, [33, 32], "BF16"), (.f16, [4096], "F16"),
      (.f16, [2, 2], "F16"), (.f8E4M3, [2, 2], "F16"), (.f8E4M3, [512, 512], "F16"),
      (.i32, [4], "I32"), (.u8, [4], nil), (.bool, [4], nil),
    ] as [(DType, [Int], String?)])
  func sourcesDecide(source: DType, shape: [Int], expected: String?) throws {
    let type = try recipe("flux", "auto").type(name: "a.weight", source: source, shape: shape)
    #expect(type?.name == expected)
  }

  /// city96/ComfyUI-GGUF `tools/lcpp.patch`, `img_tensor_get_type`.
  @Test(
    arguments: [
      ("flux", "q4_k_m", "double_blocks.3.img_attn.qkv.weight", "Q5_K"),
      ("flux", "Q4_K", "double_blocks.3.txt_attn.qkv.weight", "Q5_K"),
      ("flux", "q5_k_m", "double_blocks.3.img_attn.qkv.weight", "Q6_K"),
      ("flux", "q4_k_s", "double_blocks.3.img_attn.qkv.weight", "Q4_K"),
      ("flux", "q4_k_m", "double_blocks.3.img_mlp.2.weight", "Q4_K"),
      ("flux", "q6_k", "single_blocks.0.linear1.weight", "Q6_K"),
      ("flux", "q4_0", "single_blocks.0.linear1.weight", "Q4_0"),
      ("flux", "iq4_nl", "double_blocks.3.img_attn.qkv.weight", "IQ4_NL"),
      ("flux", "iq4_nl", "final_layer.linear.weight", "BF16"),
      ("flux", "q5_1", "single_blocks.0.linear1.bias", "BF16"),
      ("flux", "q4_0", "final_layer.linear.weight", "BF16"),
      ("flux", "q4_0", "guidance_in.in_layer.weight", "BF16"),
      ("qwen_image", "q4_k_m", "transformer_blocks.7.attn.to_v.weight", "Q6_K"),
      ("qwen_image", "q5_k", "transformer_blocks.7.attn.to_v.weight", "Q6_K"),
      ("qwen_image", "q4_k_s", "transformer_blocks.3.attn.to_v.weight", "Q5_K"),
      ("qwen_image", "q4_k_s", "transformer_blocks.4.attn.to_v.weight", "Q4_K"),
      ("qwen_image", "q5_k_s", "transformer_blocks.0.attn.to_v.weight", "Q5_K"),
      ("qwen_image", "q8_0", "transformer_blocks.0.attn.to_v.weight", "Q8_0"),
      ("qwen_image", "q8_0", "time_text_embed.timestep_embedder.linear_1.weight", "BF16"),
      ("qwen_image", "q8_0", "proj_out.weight", "BF16"),
      ("qwen_image", "iq4_nl", "transformer_blocks.0.attn.to_v.weight", "IQ4_NL"),
      ("qwen_image", "f32", "proj_out.weight", "F32"),
      ("qwen_image", "f16", "proj_out.weight", "F16"),
    ])
  func presetsDecide(architecture: String, preset: String, name: String, expected: String) throws {
    let recipe = try recipe(architecture, preset)
    #expect(recipe.type(name: name, source: .bf16, shape: [512, 256])?.name == expected)
  }

  @Test func rowsThatAreNoWholeBlocks() throws {
    let k = try recipe("flux", "q4_k_m")
    #expect(k.type(name: "a.qkv.weight", source: .bf16, shape: [512, 128])?.name == "F16")
    let zero = try recipe("flux", "q8_0")
    #expect(zero.type(name: "a.weight", source: .bf16, shape: [512, 128])?.name == "Q8_0")
    #expect(zero.type(name: "a.weight", source: .bf16, shape: [512, 36])?.name == "F16")
  }

  @Test func theMostFrequentSourceNamesTheFile() throws {
    let auto = try recipe("flux", "auto")
    let fileType = { (sources: [DType]) in auto.metadata(sources: sources)[2].value.integer }
    #expect(fileType([.f32, .bf16, .bf16]) == 32)
    #expect(fileType([.f32, .f32, .bf16]) == 1)
    #expect(fileType([.f8E4M3]) == 1)
  }

  /// ggml-org/llama.cpp `gguf-py/gguf/constants.py`, `LlamaFileType`.
  @Test func everyPresetCanBeWritten() throws {
    let numbers = [
      "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q4_k_s": 14,
      "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18, "iq4_nl": 25, "bf16": 32,
    ]
    for preset in GGUFPreset.all {
      #expect(preset.fileType == numbers[preset.name])
      if case .blocks(let type)? = preset.type?.encoding { #expect(type.isEncodable) }
    }
    #expect(GGUFPreset.all.count == numbers.count + 1)
  }

  @Test func unknownPresetsAreRefused() {
    #expect {
      try GGUFPreset.named("iq4_xs")
    } throws: {
      ($0 as? GGUFError)?.failureKind == .usage
        && "\($0)".hasPrefix("no GGUF type 'iq4_xs', expected one of auto, f32, f16, bf16, q8_0,")
    }
  }
}
