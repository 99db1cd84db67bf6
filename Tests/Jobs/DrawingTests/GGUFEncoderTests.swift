import Checkpoints
import Drawing
import Files
import Merging
import Pictures
import Rewriting
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Text encoders in GGUF files as gguf 0.19.0 names their tensors: `tools/record-gguf-encoder`.
@Suite("A text encoder in a GGUF file")
struct GGUFEncoderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func encoder(_ name: String) -> FilePath {
    Fixtures.folder.appending("gguf/\(name).gguf")
  }

  private func picture(_ model: FilePath) throws -> Picture {
    var request = DrawingRequest(
      model: model, prompts: ["a large red star in the center of a black background"], width: 64,
      height: 64)
    (request.schedule, request.seed) = ("teacher:2", 5)
    var pictures: [Picture] = []
    try DrawingPlan(request).draw { event in
      if case .drawn(let drawn) = event { pictures.append(drawn.picture) }
    }
    return try #require(pictures.first)
  }

  /// A model whose component is in GGUF files.
  private func changed(
    _ model: String, _ component: String, _ encoders: [String]
  ) throws -> FilePath {
    let changed = try folder.makeFolder(model)
    for name in try #require(folderNames(Fixtures.model(model))) where name != component {
      _ = try folder.link("\(model)/\(name)", to: Fixtures.model(model).appending(name).string)
    }
    let own = Fixtures.model(model).appending(component)
    _ = try folder.makeFolder("\(model)/\(component)")
    for name in try #require(folderNames(own)) where !name.hasSuffix(".safetensors") {
      _ = try folder.link("\(model)/\(component)/\(name)", to: own.appending(name).string)
    }
    for encoder in encoders {
      _ = try folder.link(
        "\(model)/\(component)/\(encoder).gguf", to: Self.encoder(encoder).string)
    }
    return changed
  }

  /// The files hold the model's own numbers, bfloat16 matrices and float32 vectors of bfloat16 numbers.
  @Test(
    "draws what the model's own files draw",
    arguments: [
      ("tiny-flux", "text_encoder_2", ["t5-encoder"]),
      ("tiny-qwen-image", "text_encoder", ["qwen2.5-vl"]),
      ("tiny-qwen-image", "text_encoder", ["qwen2.5-vl", "mmproj"]),
    ])
  func drawing(model: String, component: String, encoders: [String]) throws {
    let changed = try changed(model, component, encoders)
    #expect(try picture(changed) == picture(Fixtures.model(model)))
  }

  private func adapter(_ path: FilePath, _ module: String, _ columns: Int, _ rows: Int) throws {
    try writeSafetensors(
      [
        TensorView(
          name: "text_encoder\(module).lora_A.weight", shape: [1, columns],
          (0..<columns).map { Float($0 % 5 - 2) / 8 }),
        TensorView(
          name: "text_encoder\(module).lora_B.weight", shape: [rows, 1],
          (0..<rows).map { Float($0 % 3 - 1) / 8 }),
      ], to: path, overwrite: false)
  }

  @Test("that a bake changed is drawn with, config.json and all")
  func baked() throws {
    let base = try changed("tiny-flux", "text_encoder_2", ["t5-encoder"])
    let file = folder.path.appending("t5.safetensors")
    try adapter(file, "_2.encoder.block.0.layer.0.SelfAttention.v", 64, 64)
    let output = folder.path.appending("baked")
    let adapters = try MergedAdapter.adapters(
      in: file, phase: nil, strength: 1, includesTextEncoders: true, isPartial: false
    ).adapters
    _ = try Bake(BakeRequest(base: base, output: output, adapters: adapters)).write { _ in }
    #expect(output.pushing("text_encoder_2/config.json").isRegularFile)
    #expect(try picture(output) != picture(base))
    // As transformers calls them, which other programs look for.
    let own = try PipelineFolder(opening: Fixtures.model("tiny-flux")).open("text_encoder_2")
    let written = try PipelineFolder(opening: output).open("text_encoder_2")
    #expect(
      written.source.tensors.map(\.name).sorted() == own.source.tensors.map(\.name).sorted())
  }

  @Test("without its vision part is drawn with an adapter of its language part")
  func changedLanguage() throws {
    let file = folder.path.appending("qwen.safetensors")
    try adapter(file, ".model.layers.0.self_attn.q_proj", 64, 64)
    var pictures: [Picture] = []
    for encoders in [["qwen2.5-vl"], ["qwen2.5-vl", "mmproj"]] {
      let model = try changed("tiny-qwen-image", "text_encoder", encoders)
      var request = DrawingRequest(model: model, prompts: ["a red star"], width: 64, height: 64)
      (request.schedule, request.adapters) = ("teacher:2", [.init(file: file)])
      try DrawingPlan(request).draw { event in
        if case .drawn(let drawn) = event { pictures.append(drawn.picture) }
      }
      folder.remove("tiny-qwen-image")
    }
    #expect(pictures.count == 2 && pictures[0] == pictures[1])
  }

  @Test("without its vision part is named so, and no other form is made of it")
  func language() throws {
    let file = Self.encoder("qwen2.5-vl")
    let description = try OpenedCheckpoint(opening: file).description
    #expect(
      description.title == "Qwen2.5-VL (the Qwen-Image text encoder), without its vision part")
    #expect(description.problems == [])
    #expect(description.layoutName == "gguf")
    expectPart(file, lacks: "its vision part")
  }

  @Test("that is a vision part is named so, and no other form is made of it, nor a picture")
  func vision() throws {
    let file = Self.encoder("mmproj")
    let checkpoint = try OpenedCheckpoint(opening: file)
    #expect(
      checkpoint.description.title
        == "Qwen2.5-VL (the Qwen-Image text encoder), without its language part")
    #expect(checkpoint.description.problems == [])
    // Of 23 tensors, those of q, k and v with their biases and the two frames of the kernel are three.
    #expect(checkpoint.source.tensors.count == 18)
    #expect(checkpoint.source.problems == [])
    expectPart(file, lacks: "its language part")
    let changed = try changed("tiny-qwen-image", "text_encoder", ["mmproj"])
    let error = #expect(throws: (any Error).self) { try picture(changed) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("without its language part"), "\(text)")
  }

  private func expectPart(
    _ file: FilePath, lacks part: String, _ location: SourceLocation = #_sourceLocation
  ) {
    expectRefusal(
      RewritingError.self,
      saying:
        "Qwen2.5-VL (the Qwen-Image text encoder) without \(part), which every other form of it holds: give a "
        + "folder with both GGUF files, the language part and the mmproj; drawing and training read the "
        + "language part as it is"
    ) {
      var request = RewritingRequest(
        input: file, output: folder.path.appending("x.safetensors"))
      request.layout = "comfyui"
      _ = try RewritingPlan(request)
    }
  }

  @Test("of another architecture is not taken for it")
  func otherLanguageModel() throws {
    // The same tensors; only the header says whose they are.
    var bytes = try contents(of: Self.encoder("qwen2.5-vl"))
    let name = Array("qwen2vl".utf8)
    let place = try #require(bytes.firstRange(of: name)?.lowerBound)
    bytes.replaceSubrange(place..<place + name.count, with: Array("qwen2xx".utf8))
    let file = try folder.write(bytes, to: "other.gguf")
    #expect(try OpenedCheckpoint(opening: file).description.layoutName == nil)
  }
}
