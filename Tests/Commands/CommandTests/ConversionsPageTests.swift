import Elements
import Files
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// The examples of `docs/conversions.md`, one after the other, in a folder that has what they read.
@Suite("The page of conversions")
struct ConversionsPageTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-convert")

  init() throws { folder = try TemporaryFolder() }

  @Test("shows what its commands print")
  func examples() throws {
    try makeInputs()
    try PageExamples("conversions.md", in: folder.path).expectShown()
  }

  private func file(_ name: String) -> FilePath { folder.path.appending(name) }

  private func convert(_ input: String, _ output: String, _ options: String...) throws {
    let outcome = try command.run(
      [file(input).string, "--output", file(output).string] + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  private func makeInputs() throws {
    let flux = TinyModel(
      title: "dev", hidden: 256, mlp: 1024, head: 32, doubleBlocks: 1, singleBlocks: 1)
    let base = file("flux1-dev.safetensors")
    try flux.write(to: base)
    try folder.makeFolder("FLUX.1-dev")
    try convert("flux1-dev.safetensors", "FLUX.1-dev/transformer", "--layout", "diffusers")
    try convert(
      "flux1-dev.safetensors", "flux1-dev-old-fp8.safetensors", "--scaled", "--scaled-form", "1")
    try TinyModel(title: "image", isQwen: true).write(to: file("qwen.safetensors"))
    try folder.makeFolder("Qwen-Image")
    try convert(
      "qwen.safetensors", "Qwen-Image/transformer", "--layout", "diffusers", "--shard-size", "20kB")
    folder.remove("qwen.safetensors")
    let views = try TensorSource(opening: base).tensors
    try write(
      "tuned.safetensors",
      views.map { view in
        guard view.name.hasSuffix("linear1.weight") else { return view }
        return TensorView(name: view.name, shape: view.shape, view.floats().map { $0 * 1.01 })
          .cast(to: .bf16)
      })
    let bundled = ["vae.encoder.conv_in.weight", "text_encoders.t5xxl.transformer.shared.weight"]
    try write(
      "all-in-one.safetensors",
      views.map { $0.named("model.diffusion_model." + $0.name) }
        + bundled.map { TensorView(name: $0, shape: [8], Array(repeating: 1, count: 8)) })
    let pipeline = Fixtures.model("tiny-flux")
    #expect(
      try command.shell("cp -r '\(pipeline)' '\(file("small-flux"))'").status == 0)
    try makeAdapters()
    try makeRefused(views)
  }

  private func write(_ name: String, _ tensors: [TensorView]) throws {
    try writeSafetensors(tensors, metadata: [("format", "pt")], to: file(name), overwrite: false)
  }

  private func makeAdapters() throws {
    for (name, place) in [
      ("kohya-lora.safetensors", "lora_flux_kohya_to_diffusers/in/lora.safetensors"),
      (
        "header-alpha-lora.safetensors",
        "lora_flux_header_alpha_to_comfy/in/pytorch_lora_weights.safetensors"
      ),
      (
        "glance-expert.safetensors",
        "lora_glance_qwen_mixed_suffixes_to_diffusers/in/pytorch_lora_weights.safetensors"
      ),
    ] {
      let cases = Fixtures.folder.appending("convert").appending("cases")
      try folder.write(contents(of: cases.pushing(FilePath(place))), to: name)
    }
  }

  private func makeRefused(_ views: [TensorView]) throws {
    let layer = "double_blocks.0.img_mod.lin"
    func bytes(_ name: String, _ bytes: [UInt8]) -> TensorView {
      unsafe TensorView(
        name: layer + name, dtype: .u8, shape: [bytes.count], copying: bytes.span.bytes)
    }
    let others = views.filter { $0.name != layer + ".weight" }
    let codes = bytes(".weight", Array(repeating: 1, count: 6 * 256 * 128))
    try write(
      "sdnq.safetensors", others + [codes, TensorView(name: layer + ".scale", shape: [], [1])])
    // Two columns a byte, and a factor for every 16.
    func factors(_ name: String, _ dtype: DType, _ shape: [Int]) -> TensorView {
      let bytes = [UInt8](repeating: 0x33, count: shape[0] * shape[1])
      return unsafe TensorView(
        name: layer + name, dtype: dtype, shape: shape, copying: bytes.span.bytes)
    }
    try write(
      "nvfp4.safetensors",
      others + [
        factors(".weight", .u8, [6 * 256, 128]), factors(".weight_scale", .f8E4M3, [6 * 256, 16]),
        TensorView(name: layer + ".weight_scale_2", shape: [], [0.01]),
        bytes(".comfy_quant", Array("{\"format\": \"nvfp4\"}".utf8)),
      ])
    try write(
      "flux2.safetensors",
      views + [TensorView(name: "single_stream_modulation.lin.weight", shape: [1], [1])])
    try folder.write(torchArchive(), to: "model.ckpt")
    try folder.write(
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".utf8),
      to: "pointer.safetensors")
    try folder.write(Array("<!DOCTYPE html><html></html>".utf8), to: "page.safetensors")
    try folder.write(
      Array(contents(of: file("flux1-dev.safetensors")).dropLast(1000)), to: "cut.safetensors")
  }
}
