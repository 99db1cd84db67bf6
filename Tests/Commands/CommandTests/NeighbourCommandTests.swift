import Elements
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What the commands do with models that are no FLUX.1 and no Qwen-Image, and with adapters for them: they
/// name them, count them, and change nothing.
@Suite("Models that people mix up with those that are read")
struct NeighbourCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func write(_ tensors: [(String, [Int])], to name: String) throws -> String {
    try writeSafetensors(
      tensors.map { name, shape in
        let count = shape.reduce(1, *)
        return TensorView(name: name, shape: shape, [Float](repeating: 0.25, count: count))
          .cast(to: .bf16)
      }, to: folder.path.appending(name), overwrite: true)
    return path(name)
  }

  private func inspect(_ file: String) throws -> JSONValue {
    let run = try BuiltCommand("glance-inspect").run([file, "--json"])
    #expect(run.status == 0, "\(run.errors)")
    return try JSONValue(parsing: run.output)
  }

  /// The command must fail with 65 and one line that has these words.
  private func refuse(
    _ command: String, _ arguments: [String], _ words: String,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let run = try BuiltCommand(command).run(arguments)
    #expect(run.status == 65, "\(run.errors)", sourceLocation: location)
    let lines = run.errors.split(separator: "\n")
    #expect(
      lines.last?.contains(words) == true
        && lines.dropLast().allSatisfy { $0.contains("warning:") },
      "\(run.errors)", sourceLocation: location)
  }

  /// Names: huggingface/diffusers, transformer_z_image.py.
  private var zImage: [(String, [Int])] {
    [("x_pad_token", [1, 8]), ("cap_pad_token", [1, 8]), ("cap_embedder.1.weight", [8, 4])]
      + (0..<3).map { ("layers.\($0).attention.to_q.weight", [8, 8]) }
  }

  @Test("names a model, and converts, bakes and draws with none of it")
  func checkpoints() throws {
    let file = try write(zImage, to: "z.safetensors")
    let report = try inspect(file)
    #expect(report["look_alike"] == "Z-Image" && report["layers"] == ["layers": 3])
    #expect(report["parameters"] == 240)
    let text = try BuiltCommand("glance-inspect").run([file]).output
    #expect(text.contains("Z-Image, which this toolkit doesn't read"))
    #expect(text.contains("  layers      3 layers\n"))
    let words = "z.safetensors: Z-Image, expected a transformer of FLUX.1 or Qwen-Image"
    for options in [["--layout", "diffusers"], ["--gguf", "q8_0"], ["--scaled"]] {
      let output = path(options[0] == "--gguf" ? "o.gguf" : "o.safetensors")
      try refuse("glance-convert", [file, "--output", output] + options, words)
    }
    let adapter = Goldens.folder("flux").appending("adapter.safetensors").string
    try refuse("glance-merge", [file, adapter, "--output", path("o.safetensors")], words)
    let model = Fixtures.model("tiny-flux").string
    try refuse(
      "glance-sample",
      ["--model", model, "--transformer", file, "--prompt", "a", "--output", path("o.png")],
      "Z-Image")
    #expect(folder.entries.count == 1)
  }

  /// Names: huggingface/diffusers, `loaders/lora_conversion_utils.py`,
  /// `_convert_non_diffusers_z_image_lora_to_diffusers`, `_convert_non_diffusers_wan_lora_to_diffusers`;
  /// kohya-ss/sd-scripts, networks/lora.py and lora_sd3.py.
  @Test(
    "names what an adapter is for, and counts its layers and modules",
    arguments: [
      ("diffusion_model.layers.#.attention.to_q.lora_A.weight", "layers", "Z-Image or Lumina 2"),
      ("lora_unet_layers_#_attention_to_q.lora_down.weight", "layers", "Z-Image or Lumina 2"),
      ("diffusion_model.blocks.#.self_attn.q.lora_A.weight", "blocks", "Wan"),
      ("lora_unet_blocks_#_cross_attn_k.lora_down.weight", "blocks", "Wan"),
      ("transformer.blocks.#.attn1.to_q.lora_A.weight", "blocks", "Wan"),
      (
        "lora_unet_joint_blocks_#_x_block_attn_qkv.lora_down.weight", "joint_blocks",
        "Stable Diffusion 3"
      ),
      (
        "lora_unet_input_blocks_#_1_transformer_blocks_0_attn1_to_k.lora_down.weight",
        "input_blocks", "Stable Diffusion 1, 2 or XL"
      ),
      (
        "unet.down_blocks.#.attentions.0.transformer_blocks.0.attn1.to_k.lora_A.weight",
        "down_blocks", "Stable Diffusion 1, 2 or XL"
      ),
    ])
  func adapters(key: String, list: String, title: String) throws {
    let up = key.replacing("lora_A", with: "lora_B").replacing("lora_down", with: "lora_up")
    let tensors = [1, 4, 7].flatMap { number in
      [(key, [2, 16]), (up, [16, 2])].map { ($0.0.replacing("#", with: "\(number)"), $0.1) }
    }
    let file = try write(tensors, to: "a.safetensors")
    let report = try inspect(file)
    #expect(report["other_model"]?.string == title)
    #expect(report["layers"]?[list] == 3 && report["modules"] == 3, "\(report["layers"] ?? .null)")
    #expect(report["ranks"] == [2] && report["parameters"] == 192)
    try refuse(
      "glance-convert", [file, "--dialect", "kohya", "--output", path("o.safetensors")],
      "an adapter for \(title), expected one for FLUX.1 or Qwen-Image")
    let base = Fixtures.model("tiny-flux").appending("transformer").string
    try refuse(
      "glance-merge", [base, file, "--output", path("o.safetensors")], "an adapter for \(title)")
  }
}
