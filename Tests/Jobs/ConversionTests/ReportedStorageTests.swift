import Elements
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files of the kinds that users brought to other programs, with the numbers that are right for them.
@Suite("Reported files with eight-bit weights")
struct ReportedStorageTests {
  private let folder: TemporaryFolder
  private let output: FilePath

  init() throws {
    folder = try TemporaryFolder()
    output = folder.path.appending("out.safetensors")
  }

  private func expected(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: Fixtures.text(Fixtures.report(name, "expected.json")))
  }

  @Test(
    "become codes times scales, rounded once, and nothing else stays",
    arguments: [
      ("scaled-everywhere-to-diffusers", "in.safetensors", "diffusers"),
      ("text-encoder-scaled-fp8", "in.safetensors", nil), ("quantization-config-stale", "in", nil),
    ] as [(String, String, String?)])
  func widened(name: String, input: String, layout: String?) throws {
    try convert(Fixtures.report(name, input), to: output) {
      $0.form.dtype = .bf16
      $0.layout = layout
    }
    try Recorded.expect(try TensorSource(opening: output).recorded, are: try expected(name))
  }

  @Test("lose what config.json says of their quantisation, and only then")
  func configuration() throws {
    let input = Fixtures.report("quantization-config-stale", "in")
    let widened = folder.path.appending("widened")
    try convert(input, to: widened) { $0.form.dtype = .bf16 }
    let found = try JSONValue(parsing: Fixtures.text(widened.appending("config.json")))
    #expect(found["quantization_config"] == nil)
    #expect(found["num_layers"]?.integer == 1)
    let copied = folder.path.appending("copied")
    try convert(input, to: copied)
    let kept = try JSONValue(parsing: Fixtures.text(copied.appending("config.json")))
    #expect(kept["quantization_config"]?["quant_method"]?.string == "modelopt")
  }

  @Test("get scales in F32, whatever they were stored in")
  func scales() throws {
    let input = Fixtures.report("scaled-everywhere-to-diffusers", "in.safetensors")
    try convert(input, to: output) { $0.form.scaled = .generation2 }
    let scales = try TensorSource(opening: output).tensors.filter {
      $0.name.hasSuffix(".weight_scale")
    }
    let own = try TensorSource(opening: input).tensors.filter {
      $0.name.hasSuffix(".weight_scale")
    }
    #expect(scales.map(\.name).sorted() == own.map(\.name).sorted())
    #expect(scales.allSatisfy { $0.dtype == .f32 })
  }

  @Test("keep no bias, norm or unscaled weight in eight bits")
  func everythingElse() throws {
    let name = "plain-fp8-to-scaled"
    try convert(Fixtures.report(name, "in.safetensors"), to: output) {
      $0.form.scaled = .generation2
    }
    let rest = try expected(name)
    let found = try TensorSource(opening: output).recorded.filter { rest[$0.name] != nil }
    try Recorded.expect(found, are: rest)
  }

  @Test("keep their notes")
  func notes() throws {
    let input = Fixtures.report("full-precision-flag-kept", "in.safetensors")
    try convert(input, to: output) { $0.layout = "comfyui" }
    let own = try TensorSource(opening: input).tensors.filter { $0.name.hasSuffix(".comfy_quant") }
    #expect(own.count == 13)
    let found = contents(of: try TensorSource(opening: output))
    for note in own {
      #expect(found["model.diffusion_model." + note.name]?.bytes == bytes(of: note), "\(note.name)")
    }
  }
}
