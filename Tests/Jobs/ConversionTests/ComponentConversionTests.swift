import Checkpoints
import Elements
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// VAEs and text encoders under the names of other programs, against what diffusers' converters and transformers'
/// loaders make of them; see `tools/record-component-goldens`.
@Suite("Conversions of components")
struct ComponentConversionTests {
  private let folder: TemporaryFolder
  private static let recordings = Fixtures.folder.appending("components")

  init() throws { folder = try TemporaryFolder() }

  private func input(_ name: String) -> FilePath {
    Self.recordings.appending(name + ".safetensors")
  }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  private func expect(
    _ found: TensorSource, are name: String, _ location: SourceLocation = #_sourceLocation
  ) throws {
    let document = try JSONValue(
      parsing: Fixtures.text(Self.recordings.appending("expected.json")))
    try Recorded.expect(found.recorded, are: try #require(document[name]), location)
  }

  @Test(
    "give what the packages give, and back the bytes that went in",
    arguments: [
      ("ae", "bfl"), ("qwen_image_vae", "comfyui"), ("clip", "transformers"),
      ("qwen_2.5_vl", "transformers"),
    ])
  func bothWays(name: String, layout: String) throws {
    #expect(try OpenedCheckpoint(opening: input(name)).description.layoutName == layout)
    #expect(try OpenedCheckpoint(opening: input(name)).description.problems == [])
    let there = path("there.safetensors")
    try convert(input(name), to: there) {
      $0.layout = "diffusers"
      $0.unknown = .error
    }
    let made = try TensorSource(opening: there)
    try expect(made, are: name)
    #expect(try OpenedCheckpoint(opening: there).description.layoutName == "diffusers")
    #expect(try OpenedCheckpoint(opening: there).description.problems == [])
    try convert(there, to: path("back.safetensors")) {
      $0.layout = layout
      $0.unknown = .error
    }
    expectSameTensors(
      try TensorSource(opening: path("back.safetensors")), try TensorSource(opening: input(name)))
  }

  @Test("leave the second copy of T5's table out, by name")
  func tiedTable() throws {
    var request = RewritingRequest(input: input("t5xxl"), output: path("t5.safetensors"))
    request.layout = "diffusers"
    let plan = try RewritingPlan(request)
    #expect(plan.input.description.problems == [])
    #expect(plan.leftOut.map(\.name) == ["encoder.embed_tokens.weight"])
    _ = try plan.write { _ in }
    try expect(TensorSource(opening: path("t5.safetensors")), are: "t5xxl")
  }

  /// `tools/record-gguf-encoder`: gguf 0.19.0 names the tensors.
  @Test("read a T5 encoder from GGUF: numbers and names are the model's again")
  func gguf() throws {
    let file = Fixtures.folder.appending("gguf/t5-encoder.gguf")
    let opened = try OpenedCheckpoint(opening: file)
    #expect(opened.description.title == "T5 encoder")
    #expect(opened.description.problems == [])
    let model = Fixtures.model("tiny-flux").appending("text_encoder_2")
    let output = path("text_encoder_2")
    try convert(file, to: output) {
      ($0.layout, $0.unknown, $0.form.dtype) = ("diffusers", .error, .bf16)
      $0.configurations = Fixtures.model("tiny-flux")
    }
    expectSameTensors(try TensorSource(openingAny: output), try TensorSource(openingAny: model))
    #expect(
      try JSONValue(parsing: Fixtures.text(output.appending("config.json")))
        == JSONValue(parsing: Fixtures.text(model.appending("config.json"))))
  }

  @Test("read T5's table under either name")
  func otherTable() throws {
    let source = try TensorSource(opening: input("t5xxl"))
    let file = path("embed.safetensors")
    try writeSafetensors(
      source.tensors.filter { $0.name != "shared.weight" }, to: file, overwrite: false)
    try convert(file, to: path("t5.safetensors")) { $0.layout = "comfyui" }
    try expect(TensorSource(opening: path("t5.safetensors")), are: "t5xxl")
  }

  @Test("write folders that hold the config.json that is given, and check it")
  func configurations() throws {
    let vae = Fixtures.model("tiny-flux").appending("vae")
    try convert(vae, to: path("ae.safetensors")) { $0.layout = "comfyui" }
    expectRefusal(
      RewritingError.self,
      saying: "its config.json can't be told from the tensors; give --configs FOLDER"
    ) { try convert(path("ae.safetensors"), to: path("vae")) { $0.layout = "diffusers" } }
    try convert(path("ae.safetensors"), to: path("vae")) {
      $0.layout = "diffusers"
      $0.configurations = Fixtures.model("tiny-flux")
    }
    expectSameTensors(try TensorSource(openingAny: path("vae")), try TensorSource(openingAny: vae))
    #expect(
      try JSONValue(parsing: Fixtures.text(path("vae").appending("config.json")))
        == JSONValue(parsing: Fixtures.text(vae.appending("config.json"))))
    // The tokens of another vocabulary.
    expectRefusal(
      CheckpointError.self, saying: "'latent_channels' is 16, expected 4 from the tensors"
    ) {
      try convert(input("ae"), to: path("other")) {
        $0.layout = "diffusers"
        $0.configurations = vae
      }
    }
    expectRefusal(CheckpointError.self, saying: "no config.json of such a model in it") {
      try convert(path("ae.safetensors"), to: path("other")) {
        $0.layout = "diffusers"
        $0.configurations = Fixtures.model("tiny-qwen-image")
      }
    }
  }

  @Test("refuse a component that lacks a tensor, layouts that it hasn't and codes of a VAE")
  func refusals() throws {
    let source = try TensorSource(opening: input("ae"))
    let file = path("cut.safetensors")
    try writeSafetensors(
      source.tensors.filter { $0.name != "decoder.up.1.block.2.conv2.bias" }, to: file,
      overwrite: false)
    expectRefusal(
      CheckpointError.self,
      saying: "tensor 'decoder.up.1.block.2.conv2.bias' [8] is missing"
    ) { try convert(file, to: path("a.safetensors")) { $0.layout = "diffusers" } }
    expectRefusal(
      RewritingError.self,
      saying: "has no layout 'transformers', expected one of diffusers, bfl, comfyui"
    ) { try convert(input("ae"), to: path("a.safetensors")) { $0.layout = "transformers" } }
    expectRefusal(RewritingError.self, saying: "has no matrices that programs read codes of") {
      try convert(input("ae"), to: path("a.safetensors")) { $0.form.scaled = .generation2 }
    }
    #expect(folder.entries == ["cut.safetensors"])
  }

  @Test("give a text encoder's matrices scaled codes, and nothing else")
  func scaled() throws {
    let encoder = Fixtures.model("tiny-flux").appending("text_encoder_2")
    try convert(encoder, to: path("t5.safetensors")) {
      $0.layout = "comfyui"
      $0.form.scaled = .generation2
    }
    let source = try TensorSource(opening: path("t5.safetensors"))
    let coded = source.tensors.filter { $0.dtype == .f8E4M3 }.map(\.name)
    // Two blocks of seven matrices; tables and norms stay.
    #expect(coded.count == 14)
    #expect(coded.allSatisfy { $0.hasPrefix("encoder.block.") && $0.hasSuffix(".weight") })
    #expect(source.find("shared.weight")?.dtype == .bf16)
    let bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    #expect(source.find(bias)?.dtype == .bf16)
    let description = try OpenedCheckpoint(opening: path("t5.safetensors")).description
    #expect(description.problems == [])
    #expect(description.storage == "ComfyUI scaled fp8, generation 2")
  }
}
