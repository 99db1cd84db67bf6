import Checkpoints
import Containers
import Conversion
import Elements
import Files
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
    let description = try OpenedCheckpoint(opening: encoder).description
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
