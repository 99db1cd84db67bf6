import Elements
import Files
import GGUF
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What every command does with weights whose form it doesn't read: it names them, and takes no code
/// for a number.
@Suite("Weights in forms that are not read")
struct StoredFormTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  /// The command must fail with 65 and these words, and leave nothing.
  private func refuse(
    _ command: String, _ arguments: [String], _ words: String...,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let before = folder.entries
    let outcome = try BuiltCommand(command).run(arguments)
    #expect(outcome.status == 65, "\(outcome.errors)", sourceLocation: location)
    for word in words {
      #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: location)
    }
    #expect(folder.entries == before, sourceLocation: location)
  }

  /// Weights of SDNQ in code books, which aren't read.
  private func inBooks() throws -> String {
    let input = Fixtures.report("sdnq-float8-scale", "in")
    try folder.makeFolder("in")
    let name = "diffusion_pytorch_model.safetensors"
    try folder.link("in/" + name, to: input.appending(name).string)
    let configuration = try Fixtures.text(input.appending("config.json"))
    try folder.write(
      Array(
        configuration.replacing("\"use_svd\": false", with: "\"use_codebook\": true").utf8),
      to: "in/config.json")
    return path("in")
  }

  private func inspect(_ input: String, _ options: String...) throws -> JSONValue {
    let outcome = try BuiltCommand("glance-inspect").run([input, "--json"] + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try JSONValue(parsing: outcome.output)
  }

  private func errors(_ report: JSONValue) -> [String] {
    (report["problems"]?.array ?? []).filter { $0["severity"] == "error" }
      .compactMap { $0["text"]?.string }
  }

  @Test(
    "are not converted to anything else",
    arguments: [
      ["--dtype", "bf16"], ["--layout", "bfl", "--dtype", "bf16"], ["--layout", "bfl"],
      ["--scaled"], ["--gguf", "q8_0"],
    ])
  func convertedNever(options: [String]) throws {
    let input = try inBooks()
    let output = path(options.contains("--gguf") ? "x.gguf" : "x.safetensors")
    try refuse(
      "glance-convert", [input, "--output", output] + options,
      "tensor 'single_transformer_blocks.0.attn.to_k.weight' (F8_E4M3) is stored as SDNQ (config.json's "
        + "quantization_config says 'use_codebook': true), as 19 more are, whose numbers are not read; its bytes can be copied; convert it with the program that wrote it"
    )
  }

  private func bytes(of view: TensorView) -> [UInt8] {
    let bytes = view.bytes
    return (0..<bytes.byteCount).map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
  }

  /// The numbers are those of SDNQ's own codes times its scales.
  @Test("are read where config.json says nothing that isn't understood")
  func read() throws {
    let input = Fixtures.report("sdnq-float8-scale", "in")
    let report = try inspect(input.string)
    #expect(report["storage"] == "SDNQ")
    #expect(errors(report) == [])
    let output = path("x.safetensors")
    let outcome = try BuiltCommand("glance-convert").run([
      input.string, "--dtype", "f32", "--layout", "bfl", "--output", output,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let name = "transformer_blocks.0.ff.net.2"
    let stored = try TensorSource(opening: input)
    let codes = try stored.tensor(named: name + ".weight")
    let scales = try stored.tensor(named: name + ".scale").floats()
    let width = codes.shape[1]
    let expected = codes.floats().enumerated().map { $0.element * scales[$0.offset / width] }
    let found = try TensorSource(opening: FilePath(output))
    #expect(
      try found.tensor(named: "double_blocks.0.img_mlp.2.weight").floats() == expected)
  }

  @Test("are copied, under the layout's own names too")
  func copied() throws {
    let input = try inBooks()
    for options in [[], ["--layout", "diffusers"], ["--compress"]] {
      let output = path("copy.safetensors")
      let outcome = try BuiltCommand("glance-convert").run(
        [input, "--output", output, "--force"] + options)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let restored = try BuiltCommand("glance-convert").run([
      path("copy.safetensors"), "--output", path("back.safetensors"),
    ])
    #expect(restored.status == 0, "\(restored.errors)")
    let name = "transformer_blocks.0.attn.to_k.weight"
    let own = try TensorSource(opening: FilePath(input)).tensor(named: name)
    let back = try TensorSource(opening: folder.path.appending("back.safetensors"))
    let found = try back.tensor(named: name)
    #expect(found.dtype == own.dtype && found.shape == own.shape)
    #expect(bytes(of: found) == bytes(of: own))
  }

  @Test("are known by config.json also where the file in the folder is named")
  func configurationBeside() throws {
    let model = Fixtures.model("tiny-flux").appending("transformer")
    let plain = try TensorSource(opening: model)
    try writeSafetensors(
      plain.tensors.map { view in
        guard view.name == "transformer_blocks.0.attn.to_q.weight" else { return view }
        let codes = [UInt8](repeating: 0x38, count: view.elementCount)
        return unsafe TensorView(
          name: view.name, dtype: .f8E4M3, shape: view.shape, copying: codes.span.bytes)
      }, to: folder.path.appending("diffusion_pytorch_model.safetensors"), overwrite: false)
    let configuration = try Fixtures.text(model.appending("config.json"))
    try folder.write(
      Array(
        configuration.replacing(
          "{", with: "{\"quantization_config\": {\"quant_method\": \"mine\"},", maxReplacements: 1
        ).utf8), to: "config.json")
    let words =
      "tensor 'transformer_blocks.0.attn.to_q.weight' (F8_E4M3) is stored in a form not known here "
      + "(config.json has a quantization_config of 'mine')"
    let input = path("diffusion_pytorch_model.safetensors")
    for input in [input, folder.path.string] {
      try refuse("glance-convert", [input, "--dtype", "bf16", "--output", path("x.sft")], words)
    }
    try refuse("glance-inspect", [input, "--stats"], words)
    // That of another model says nothing of the file.
    let other = try Fixtures.text(Fixtures.model("tiny-flux").appending("text_encoder/config.json"))
    try folder.write(Array(other.utf8), to: "config.json")
    let run = try BuiltCommand("glance-convert").run([
      input, "--dtype", "bf16", "--output", path("x.sft"),
    ])
    #expect(run.status == 0, "\(run.errors)")
  }

  /// A model of which SDNQ has stored one layer in a type that is read, and three in others.
  /// Of a layer of float16 the weight would be taken for one without a scale.
  @Test("are named by inspect with their type, counted as the model has them, and fail a check")
  func types() throws {
    let model = Fixtures.model("tiny-flux").appending("transformer")
    let (read, other) = (
      "transformer_blocks.0.ff.net.2", "transformer_blocks.0.ff.net.0.proj"
    )
    let (wide, float) = ("transformer_blocks.1.attn.to_q", "transformer_blocks.1.attn.to_k")
    let plain = try TensorSource(opening: model)
    func codes(
      _ layer: String, _ shape: [Int], rows: Int, _ dtype: DType = .u8
    ) -> [TensorView] {
      let bytes = [UInt8](repeating: 0x15, count: dtype.byteCount(elements: shape.reduce(1, *)))
      let weight = unsafe TensorView(
        name: layer + ".weight", dtype: dtype, shape: shape, copying: bytes.span.bytes)
      return [weight]
        + ["scale", "zero_point"].map {
          TensorView(
            name: "\(layer).\($0)", shape: [rows, 1], [Float](repeating: 0.5, count: rows))
        }
    }
    try writeSafetensors(
      plain.tensors.filter { ![read, other, wide, float].map { "\($0).weight" }.contains($0.name) }
        + codes(read, [96 * 384 / 2], rows: 96) + codes(other, [384 * 96 / 8, 5], rows: 384)
        + codes(wide, [96 * 96 / 16, 9], rows: 96, .i16) + codes(float, [96, 96], rows: 96, .f16),
      to: folder.path.appending("diffusion_pytorch_model.safetensors"), overwrite: false)
    let configuration = try Fixtures.text(model.appending("config.json"))
    let statement =
      "{\"quantization_config\": {\"quant_method\": \"sdnq\", \"weights_dtype\": \"uint4\", "
      + "\"modules_dtype_dict\": {\"float5_e2m3fnu\": [\"\(other).weight\"], "
      + "\"uint9\": [\"\(wide).weight\"], \"float16\": [\"\(float).weight\"]}},"
    try folder.write(
      Array(configuration.replacing("{", with: statement, maxReplacements: 1).utf8),
      to: "config.json")
    let report = try inspect(folder.path.string)
    #expect(
      report["parameters"]?.integer == plain.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) })
    let words =
      "tensor '\(other).weight' (U8) is stored as SDNQ (config.json's quantization_config says "
      + "'weights_dtype': \"float5_e2m3fnu\")"
    let wideWords =
      "tensor '\(wide).weight' (I16) is stored as SDNQ (config.json's quantization_config says "
      + "'weights_dtype': \"uint9\")"
    let floatWords =
      "tensor '\(float).weight' (F16) is stored as SDNQ (config.json's quantization_config says "
      + "'weights_dtype': \"float16\")"
    #expect(
      errors(report)
        == [words, wideWords, floatWords].map {
          $0 + ": the bytes can be copied, the numbers are not read"
        })
    try refuse("glance-inspect", ["--check", folder.path.string], words, wideWords, floatWords)
    try refuse(
      "glance-convert", [folder.path.string, "--dtype", "bf16", "--output", path("x.sft")],
      words
        + ", whose numbers are not read; its bytes can be copied; load it with SDNQ and save it as "
        + "plain weights, or take the model before it was quantised")
  }

  @Test("are not put together with weights of another type")
  func joinedNever() throws {
    let plain = try TensorSource(opening: Fixtures.model("tiny-flux").appending("transformer"))
    try writeSafetensors(
      plain.tensors.map { view in
        guard view.name == "transformer_blocks.0.attn.to_q.bias" else { return view }
        let codes = [UInt8](repeating: 0x38, count: view.elementCount)
        return unsafe TensorView(
          name: view.name, dtype: .f8E4M3FNUZ, shape: view.shape, copying: codes.span.bytes)
      }, to: folder.path.appending("x.safetensors"), overwrite: false)
    let words =
      "tensor 'transformer_blocks.0.attn.to_q.bias' (F8_E4M3FNUZ) can't be put together with "
      + "'transformer_blocks.0.attn.to_k.bias' (BF16) into 'double_blocks.0.img_attn.qkv.bias'"
    let input = path("x.safetensors")
    try refuse("glance-convert", [input, "--layout", "bfl", "--output", path("y.sft")], words)
    try refuse("glance-convert", [input, "--output", path("y.gguf")], words)
  }

  @Test("are not merged into, extracted, compared or spoken of as numbers")
  func elsewhere() throws {
    let input = try inBooks()
    let lora = path("lora.safetensors")
    try writeSafetensors(
      [
        TensorView(
          name: "transformer.transformer_blocks.0.attn.to_k.lora_A.weight", shape: [1, 32],
          [Float](repeating: 1, count: 32)),
        TensorView(
          name: "transformer.transformer_blocks.0.attn.to_k.lora_B.weight", shape: [32, 1],
          [Float](repeating: 1, count: 32)),
      ], to: FilePath(lora), overwrite: false)
    let scale = "is stored as SDNQ"
    try refuse("glance-merge", [input, lora, "--output", path("merged.safetensors")], scale)
    try refuse(
      "glance-merge", [input, "--extract", input, "--output", path("diff.safetensors")], scale)
    try refuse("glance-inspect", [input, "--diff", input], scale)
    try refuse("glance-inspect", [input, "--stats"], scale)
    // A tensor that is no code has numbers.
    let plain = try BuiltCommand("glance-inspect").run([
      input, "--stats", "--tensors=x_embedder.weight",
    ])
    #expect(plain.status == 0, "\(plain.errors)")
  }

  @Test("are neither drawn with nor trained on, whole or in part")
  func models() throws {
    let model = Fixtures.model("tiny-flux")
    let whole = try TensorSource(opening: model.appending("transformer")).tensors
    let parts = try TensorSource(
      opening: Fixtures.report("sdnq-float8-drawn", "parts.safetensors")
    ).tensors
    let names = Set(parts.map(\.name))
    try folder.makeFolder("t")
    try writeSafetensors(
      whole.filter { !names.contains($0.name) } + parts,
      to: folder.path.appending("t").appending("diffusion_pytorch_model.safetensors"),
      overwrite: false)
    let words =
      "tensor 'single_transformer_blocks.0.proj_mlp.weight' (F8_E4M3) with "
      + "'single_transformer_blocks.0.proj_mlp.scale' is stored as SDNQ"
    let options = ["--prompt", "a red circle", "--size", "64x64", "--schedule", "teacher:1"]
    try refuse(
      "glance-sample",
      ["--model", model.string, "--transformer", path("t"), "--output", path("p.png")] + options,
      words)
    try folder.makeFolder("model")
    for entry in [
      "model_index.json", "scheduler", "text_encoder", "text_encoder_2", "tokenizer",
      "tokenizer_2", "vae",
    ] {
      try folder.link("model/" + entry, to: model.appending(entry).string)
    }
    try folder.makeFolder("model/transformer")
    try folder.link(
      "model/transformer/diffusion_pytorch_model.safetensors",
      to: path("t/diffusion_pytorch_model.safetensors"))
    try folder.link(
      "model/transformer/config.json", to: model.appending("transformer/config.json").string)
    try refuse(
      "glance-sample", ["--model", path("model"), "--output", path("p.png")] + options, words)
    try refuse(
      "glance-train-lora",
      [
        "--model", path("model"), "--image",
        Fixtures.model("sample").appending("00.png").string, "--caption", "a circle",
        "--steps", "1", "--name", "x", "--output", path("experts"),
      ], words)
  }

  @Test("have a name and counts of layers in inspect, and no errors that they explain")
  func described() throws {
    let report = try inspect(Fixtures.report("int8-rowwise", "in.safetensors").string)
    #expect(report["storage"] == "ComfyUI int8 (int8_tensorwise)")
    #expect(report["storage_layers"] == ["int8": 13, "BF16": 10])
    #expect(errors(report) == [])
    let text = try BuiltCommand("glance-inspect").run([
      Fixtures.report("int8-rowwise", "in.safetensors").string
    ])
    #expect(text.output.contains("\n  layers      int8 13, BF16 10\n"))
    let converted = try BuiltCommand("glance-convert").run([
      Fixtures.report("int8-rowwise", "in.safetensors").string, "--dtype", "bf16", "--output",
      path("x.safetensors"),
    ])
    #expect(converted.status == 0, "\(converted.errors)")
  }

  @Test("count no scale, note or marker as a parameter of the model")
  func parameters() throws {
    let scaled = try inspect(Fixtures.report("text-encoder-scaled-fp8", "in.safetensors").string)
    #expect(scaled["storage"] == "ComfyUI scaled fp8, generation 1")
    // The elements of the BF16 file that is right for it.
    let expected = try JSONValue(
      parsing: Fixtures.text(Fixtures.report("text-encoder-scaled-fp8", "expected.json")))
    let count = (expected.object?.members ?? []).reduce(0) { sum, member in
      sum + (member.value.array?[1].array ?? []).compactMap(\.integer).reduce(1, *)
    }
    #expect(scaled["parameters"]?.integer == count)
  }

  @Test("of a GGUF file that isn't decoded keep their shapes, and are refused by name")
  func gguf() throws {
    let file = folder.path.appending("in.gguf")
    let entry = GGUFEntry(name: "w", type: .q8K, shape: [2, 256])
    let writer = try GGUFWriter(creating: file, metadata: [], tensors: [entry], overwrite: false)
    let zeros = [UInt8](repeating: 0, count: 2 * 292)
    unsafe try writer.write(zeros.span.bytes, tensor: 0)
    try writer.commit()
    let report = try inspect(file.string, "--tensors")
    #expect(report["gguf_types"] == ["Q8_K": 1])
    #expect(report["tensor_list"]?.array?.first?["shape"] == [2, 256])
    let words = "type Q8_K is not decoded"
    try refuse(
      "glance-convert", [file.string, "--dtype", "f32", "--output", path("x.safetensors")], words)
    try refuse("glance-inspect", [file.string, "--stats"], words)
    try refuse("glance-inspect", [file.string, "--diff", file.string], words)
  }

  /// Source: ggml-org/llama.cpp, `ggml/src/ggml-common.h`, `block_iq4_nl` and `kvalues_iq4nl`: a half,
  /// then codes of elements i and i + 16 in a byte.
  @Test("of a GGUF file in IQ4_NL are read as what their codes stand for")
  func nonlinear() throws {
    let input = Fixtures.report("gguf-iq4-nl", "in.gguf")
    let report = try inspect(input.string, "--tensors")
    #expect(report["dimensions"]?["mlp"] == 64)
    #expect(errors(report) == [])
    #expect(report["gguf_types"] == ["F32": 31, "IQ4_NL": 14])
    let outcome = try BuiltCommand("glance-convert").run([
      input.string, "--dtype", "f32", "--output", path("x.safetensors"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let values: [Float] = [
      -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]
    let bytes = try contents(of: input)
    let converted = try SafetensorsFile(opening: folder.path.appending("x.safetensors"))
    var count = 0
    for entry in report["tensor_list"]?.array ?? [] where entry["stored_type"] == "IQ4_NL" {
      let name = try #require(entry["name"]?.string)
      let start = try #require(entry["offset"]?.integer)
      let size = try #require(entry["stored_bytes"]?.integer)
      let expected = stride(from: start, to: start + size, by: 18).flatMap { block in
        let scale = Float(
          Float16(bitPattern: UInt16(bytes[block]) | UInt16(bytes[block + 1]) << 8))
        let codes = bytes[block + 2..<block + 18]
        return codes.map { scale * values[Int($0 & 15)] }
          + codes.map { scale * values[Int($0 >> 4)] }
      }
      #expect(try converted.tensor(named: name).floats() == expected, "\(name)")
      count += 1
    }
    #expect(count == 14)
  }

  @Test("of a GGUF file are listed with type, bytes and place as they are stored")
  func listing() throws {
    let input = Fixtures.report("gguf-types-of-tensors", "mixed.gguf").string
    let name = "double_blocks.0.img_attn.qkv.weight"
    let report = try inspect(input, "--tensors=\(name)")
    let entry = report["tensor_list"]?.array?.first
    // 96 x 32 elements: blocks of 32 in 34 bytes.
    #expect(entry?["stored_type"] == "Q8_0")
    #expect(entry?["stored_bytes"] == 3264)
    #expect(entry?["offset"] == 5248)
    #expect(entry?["dtype"] == "F32" && entry?["bytes"] == 12288)
    let text = try BuiltCommand("glance-inspect").run([input, "--tensors"])
    func row(_ name: String) -> [String] {
      text.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        .first { $0.first == name } ?? []
    }
    #expect(row(name) == [name, "Q8_0", "[96,", "32]", "3264", "5248"])
    for (name, type) in [
      ("double_blocks.0.img_mlp.0.weight", "Q4_0"), ("final_layer.linear.weight", "BF16"),
      ("double_blocks.0.img_attn.qkv.bias", "F32"),
    ] {
      #expect(row(name).dropFirst().first == type)
    }
  }

  @Test("of a GGUF file are summed up by their own names, with the file's type in words")
  func fileTypes() throws {
    let base = folder.path.appending("base.safetensors")
    let model = TinyModel(
      title: "dev", hidden: 256, mlp: 1024, head: 32, doubleBlocks: 1, singleBlocks: 1)
    try model.write(to: base)
    let outcome = try BuiltCommand("glance-convert").run([
      base.string, "--gguf", "q4_k_m", "--output", path("x.gguf"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try inspect(path("x.gguf"))["file_type"] == "Q4_K_M")
    let text = try BuiltCommand("glance-inspect").run([path("x.gguf")]).output
    #expect(text.contains("\n  file type   Q4_K_M\n"))
    #expect(text.contains("tensors     52: Q4_K (11, 1.7 MB), BF16 ("))
    #expect(!text.contains("stored as"))
  }

  @Test("have warnings for what ComfyUI would stumble on")
  func warnings() throws {
    let bare = try inspect(
      Fixtures.report("scaled-everywhere-to-diffusers", "in.safetensors").string)
    let texts = (bare["problems"]?.array ?? []).compactMap { $0["text"]?.string }
    #expect(texts.contains { $0.contains("is no F32, as ComfyUI expects scales, nor are") })
    // A folder of another program needs none of ComfyUI's notes.
    let folder = try inspect(Fixtures.report("quantization-config-stale", "in").string)
    #expect(folder["problems"] == [])
  }
}
