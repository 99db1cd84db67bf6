import Checkpoints
import Containers
import Conversion
import Elements
import Files
import GGUF
import JSON
import Rewriting
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Qwen2.5-VL in the two GGUF files that llama.cpp's converter makes of it: `tools/record-gguf-encoder`.
@Suite("A text encoder in GGUF files")
struct GGUFEncoderTests {
  private let temporary: TemporaryFolder

  init() throws { temporary = try TemporaryFolder() }

  private static func file(_ name: String) -> FilePath {
    Fixtures.folder.appending("gguf/\(name).gguf")
  }

  /// A text encoder's folder with these files and the model's config.json.
  private func folder(with names: String...) throws -> FilePath {
    let folder = try temporary.makeFolder("text_encoder")
    let own = Fixtures.model("tiny-qwen-image").appending("text_encoder/config.json")
    _ = try temporary.link("text_encoder/config.json", to: own.string)
    for name in names {
      _ = try temporary.link("text_encoder/\(name).gguf", to: Self.file(name).string)
    }
    return folder
  }

  @Test(
    "in two files becomes the model's own, bit for bit", arguments: ["diffusers", "transformers"])
  func whole(layout: String) throws {
    let encoder = try folder(with: "qwen2.5-vl", "mmproj")
    let opened = try OpenedCheckpoint(opening: encoder)
    let description = opened.description
    // That tensors were put together is nothing to be told.
    #expect(opened.source.problems == [])
    #expect(description.title == "Qwen2.5-VL (the Qwen-Image text encoder)")
    #expect(description.problems == [])
    let output = temporary.path.appending("out")
    try convert(encoder, to: output) { ($0.layout, $0.form.dtype) = (layout, .bf16) }
    #expect(try Fixtures.text(output.appending("config.json")).utf8.count > 1000)
    let own = try OpenedCheckpoint(
      opening: Fixtures.model("tiny-qwen-image").appending("text_encoder"))
    let found = try OpenedCheckpoint(opening: output)
    #expect(found.description.layoutName == layout)
    #expect(found.description.problems == [])
    let (expected, written) = try (own.parameters(), found.parameters())
    #expect(written.names.sorted() == expected.names.sorted())
    for (name, weight) in zip(expected.names, expected.weights) {
      let other = try #require(written[name])
      #expect(other.encoding == .elements(.bf16) && other.shape == weight.shape, "\(name)")
      #expect(try other.floats() == weight.floats(), "\(name)")
    }
  }

  /// Blocks are put together as blocks.
  @Test("in blocks becomes what gguf decodes")
  func blocks() throws {
    let encoder = try folder(with: "qwen2.5-vl", "mmproj-q8_0")
    let source = try OpenedCheckpoint(opening: encoder).source
    #expect(
      try source.tensor(named: "v.blk.0.attn_qkv.weight").encoding == .blocks(.q80))
    let output = temporary.path.appending("x.safetensors")
    try convert(encoder, to: output) { ($0.layout, $0.form.dtype) = ("diffusers", .f32) }
    let found = try TensorSource(openingAny: output)
    let record = try JSONValue(
      parsing: Fixtures.text(Fixtures.folder.appending("gguf/mmproj-q8_0.gguf.json")))
    let members = try #require(record.object?.members)
    #expect(members.count == 18)
    for member in members {
      let tensor = try found.tensor(named: member.key)
      #expect(tensor.shape == member.value["shape"]?.array?.compactMap(\.integer))
      #expect(
        unsafe SHA256.hexadecimal(of: bytes(of: tensor).span.bytes)
          == member.value["sha256"]?.string, "\(member.key)")
    }
  }

  /// A vision part of which k and v are the one file's, and the rest is the other's.
  private func mixed(
    _ own: String, with other: String,
    changing change: (GGUFEntry) -> GGUFEntry = { $0 }
  ) throws -> FilePath {
    let (first, second) = try (
      GGUFFile(opening: Self.file(own)), GGUFFile(opening: Self.file(other))
    )
    let parts = first.tensors.map { entry in
      let isOther = entry.name.hasSuffix("attn_k.weight") || entry.name.hasSuffix("attn_v.weight")
      return (isOther ? second : first, entry.name)
    }
    let entries = try parts.map { file, name in
      let found = try #require(file.tensors.first { $0.name == name })
      return GGUFEntry(name: name, type: found.type, shape: found.shape)
    }
    let path = temporary.path.appending("mixed.gguf")
    let writer = try GGUFWriter(
      creating: path, metadata: first.values.filter { $0.key != "general.alignment" },
      tensors: entries.map(change), overwrite: true)
    for (index, (file, name)) in parts.enumerated() {
      let view = try #require(file.views.first { $0.name == name })
      let stored = bytes(of: view.blocks?.codes ?? view)
      let count = try #require(writer.tensors[index].byteCount)
      unsafe try writer.write(Array(stored.prefix(count)).span.bytes, tensor: index)
    }
    try writer.commit()
    return path
  }

  @Test("of q, k and v in different types has the numbers of each")
  func differentTypes() throws {
    let source = try TensorSource(openingAny: mixed("mmproj", with: "mmproj-q8_0"))
    #expect(source.problems == [])
    let found = try source.tensor(named: "v.blk.0.attn_qkv.weight")
    #expect(found.encoding == .elements(.f32) && found.shape == [96, 32])
    let name = "visual.blocks.0.attn.qkv.weight"
    let own = try #require(
      OpenedCheckpoint(opening: Fixtures.model("tiny-qwen-image").appending("text_encoder"))
        .source.find(name))
    let coded = try TensorSource(openingAny: Self.file("mmproj-q8_0"))
      .tensor(named: "v.blk.0.attn_qkv.weight").floats()
    let expected = Array(own.floats()[..<1024] + coded[1024...])
    #expect(found.floats() == expected)
    // From bytes that are no whole elements.
    for range in [1..<4, 3..<10, 4091..<4103, 12285..<12288] {
      let bytes = try found.withBytes(range) { span in
        unsafe span.withUnsafeBytes { unsafe Array($0) }
      }
      let all = unsafe expected.withUnsafeBytes { unsafe Array($0) }
      #expect(bytes == Array(all[range]))
    }
    let output = temporary.path.appending("x.safetensors")
    let encoder = try folder(with: "qwen2.5-vl")
    _ = try temporary.link("text_encoder/mixed.gguf", to: source.path.string)
    try convert(encoder, to: output) { ($0.layout, $0.form.dtype) = ("diffusers", .f32) }
    #expect(try TensorSource(openingAny: output).tensor(named: name).floats() == expected)
  }

  @Test("of q, k and v in different shapes says so")
  func differentShapes() throws {
    let path = try mixed("mmproj", with: "mmproj") { entry in
      entry.name.hasSuffix("attn_k.weight")
        ? GGUFEntry(name: entry.name, type: entry.type, shape: [16, 32]) : entry
    }
    let source = try TensorSource(openingAny: path)
    #expect(
      source.problems == [
        "'v.blk.0.attn_q.weight' [32, 32] BF16, 'v.blk.0.attn_k.weight' [16, 32] BF16, "
          + "'v.blk.0.attn_v.weight' [32, 32] BF16 can't be put together to 'v.blk.0.attn_qkv.weight', "
          + "expected one shape, and types that are read where they differ"
      ])
    #expect(source.find("v.blk.0.attn_qkv.weight") == nil)
  }

  @Test("beside another that isn't its vision part is refused, and both are named")
  func others() throws {
    let encoder = try folder(with: "qwen2.5-vl", "t5-encoder")
    let error = #expect(throws: CheckpointError.self) { try OpenedCheckpoint(opening: encoder) }
    #expect(
      error.map { "\($0)" }
        == "\(encoder): 2 GGUF files that are not one checkpoint: qwen2.5-vl.gguf (Qwen2.5-VL, language part "
        + "(its vision part is an mmproj file, which edit models need besides)), t5-encoder.gguf (T5 encoder); "
        + "name one of them, or keep one here, of Qwen2.5-VL the language part and its mmproj file")
  }

  /// Both models have tensors of the same names and shapes, and `general.architecture`.
  @Test("of Qwen2-VL is told by its header")
  func olderModel() throws {
    let source = try TensorSource(openingAny: Self.file("qwen2.5-vl"))
    for (text, title) in [
      ("Qwen2 VL 7B Instruct", "Qwen2-VL, language part (Qwen-Image's encoder is Qwen2.5-VL)"),
      (
        "Qwen2.5 VL 7B Instruct",
        "Qwen2.5-VL (the Qwen-Image text encoder), without its vision part"
      ),
    ] {
      let named = try TensorSource(
        path: source.path, container: .gguf, files: source.files, tensors: source.tensors,
        metadata: source.metadata + [("general.name", text)])
      #expect(CheckpointDescription(of: named).title == title)
    }
    let vision = try TensorSource(openingAny: Self.file("mmproj"))
    var metadata = vision.metadata
    metadata["clip.projector_type"] = "qwen2vl_merger"
    let older = try TensorSource(
      path: vision.path, container: .gguf, files: vision.files, tensors: vision.tensors,
      metadata: metadata)
    #expect(
      CheckpointDescription(of: older).title
        == "Qwen2-VL, vision part (mmproj; Qwen-Image's encoder is Qwen2.5-VL)")
  }

  @Test("in two files of ComfyUI's folders becomes a pipeline's own")
  func pipeline() throws {
    let model = Fixtures.model("tiny-qwen-image")
    let models = temporary.path.appending("models")
    _ = try PipelineConversion(.init(input: model, output: models, target: .comfyui)).write { _ in }
    temporary.remove("models/text_encoders/qwen_2.5_vl_7b.safetensors")
    for name in ["qwen2.5-vl", "mmproj"] {
      _ = try temporary.link(
        "models/text_encoders/\(name).gguf", to: Self.file(name).string)
    }
    let output = temporary.path.appending("back")
    var request = PipelineConversion.Request(input: models, output: output, target: .diffusers)
    request.configurations = model
    request.form.dtype = .bf16
    _ = try PipelineConversion(request).write { _ in }
    expectSameTensors(
      try TensorSource(openingAny: output.appending("text_encoder")),
      try TensorSource(openingAny: model.appending("text_encoder")))
  }
}
