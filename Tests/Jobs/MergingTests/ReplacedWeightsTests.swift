import Adapters
import Checkpoints
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Source of what the keys mean: Comfy-Org/ComfyUI (17358c8), `comfy/lora.py`, `load_lora` and `calculate_weight`:
/// the parameter becomes the tensor.
@Suite("Replaced weights, baked")
struct ReplacedWeightsTests {
  private let folder: TemporaryFolder
  private static let base = Fixtures.model("tiny-flux").appending("transformer")

  init() throws { folder = try TemporaryFolder() }

  private func bake(_ file: FilePath, strength: Double = 1) throws -> SafetensorsFile {
    var request = BakeRequest(
      base: Self.base, output: folder.path.appending("baked.safetensors"),
      adapters: try MergedAdapter.adapters(
        in: file, phase: nil, strength: strength, isPartial: false, otherMethods: .asTheyAre
      ).adapters)
    request.form.dtype = .f32
    request.form.overwrite = true
    return try SafetensorsFile(opening: try Bake(request).write { _ in }.output)
  }

  private static func numbers(_ count: Int, _ step: Int) -> [Float] {
    (0..<count).map { Float(($0 * 37 + step) % 128) / 64 - 1 }
  }

  /// One of each kind, and what becomes of the parameters.
  private func file() throws -> (path: FilePath, expected: [String: [Float]]) {
    let (qkv, modulation) = (Self.numbers(288 * 96, 1), Self.numbers(192 * 96, 2))
    let (bias, norm) = (Self.numbers(64, 3), Self.numbers(32, 4))
    let path = folder.path.appending("set.safetensors")
    let stem = "diffusion_model."
    try writeSafetensors(
      [
        TensorView(
          name: stem + "double_blocks.0.img_attn.qkv.set_weight", shape: [288, 96], qkv),
        TensorView(
          name: stem + "final_layer.adaLN_modulation.1.set_weight", shape: [192, 96], modulation),
        TensorView(name: stem + "final_layer.linear.bias.set_weight", shape: [64], bias),
        TensorView(
          name: stem + "single_blocks.1.norm.query_norm.scale.set_weight", shape: [32], norm),
        // Where norms have weights, as in later versions.
        TensorView(
          name: stem + "single_blocks.1.norm.key_norm.set_weight", shape: [32], norm),
      ], to: path, overwrite: true)
    let attention = "transformer_blocks.0.attn."
    return (
      path,
      [
        attention + "to_q.weight": Array(qkv[..<9216]),
        attention + "to_k.weight": Array(qkv[9216..<18432]),
        attention + "to_v.weight": Array(qkv[18432...]),
        "norm_out.linear.weight": Array(modulation[9216...] + modulation[..<9216]),
        "proj_out.bias": bias,
        "single_transformer_blocks.1.attn.norm_q.weight": norm,
        "single_transformer_blocks.1.attn.norm_k.weight": norm,
      ]
    )
  }

  @Test func areWhatTheFileSays() throws {
    let (path, expected) = try file()
    let (baked, base) = (try bake(path), try TensorSource(openingAny: Self.base))
    for tensor in baked.tensors {
      let own = try #require(base.find(tensor.name)).floats()
      #expect(tensor.floats() == expected[tensor.name] ?? own, "\(tensor.name)")
    }
  }

  @Test func aStrengthTakesTheBaseThatMuchOfTheWay() throws {
    let (path, expected) = try file()
    let (baked, base) = (try bake(path, strength: 0.5), try TensorSource(openingAny: Self.base))
    for (name, values) in expected {
      let own = try #require(base.find(name)).floats()
      let half = zip(own, values).map { Float((Double($0) + Double($1)) / 2) }
      #expect(try relativeError(baked.tensor(named: name).floats(), half) < 1e-7, "\(name)")
    }
  }

  @Test("of another shape are refused with both")
  func otherShapes() throws {
    let (path, stem) = (folder.path.appending("other.safetensors"), "diffusion_model.")
    let last = "final_layer.linear.bias.set_weight"
    let missing = "single_blocks.9.norm.key_norm.set_weight"
    try writeSafetensors(
      [
        TensorView(
          name: stem + "single_blocks.1.norm.query_norm.scale.set_weight", shape: [31],
          Self.numbers(31, 1)),
        TensorView(name: stem + last, shape: [60], Self.numbers(60, 2)),
        TensorView(name: stem + missing, shape: [32], Self.numbers(32, 3)),
        TensorView(
          name: stem + "double_blocks.0.img_attn.proj.set_weight", shape: [96, 96],
          Self.numbers(96 * 96, 4)),
      ], to: path, overwrite: true)
    expectRefusal(
      MergeError.self,
      saying: "\(path): 1 of 4 modules have no place in \(Self.base): "
        + "single_transformer_blocks.9.attn.norm_k (\(stem)single_blocks.9.norm.key_norm); 2 of 4 modules "
        + "have another shape in \(Self.base): single_transformer_blocks.1.attn.norm_q "
        + "(\(stem)single_blocks.1.norm.query_norm) [31], expected [32], proj_out.bias "
        + "(\(stem)final_layer.linear) [60], expected [64]; --partial merges the others"
    ) { try bake(path) }
    // Of two axes where the norm has one.
    try writeSafetensors(
      [
        TensorView(
          name: stem + "single_blocks.1.norm.query_norm.scale.set_weight", shape: [32, 2],
          Self.numbers(64, 1))
      ], to: path, overwrite: true)
    expectRefusal(
      AdapterError.self,
      saying:
        "'\(stem)single_blocks.1.norm.query_norm' (replaced weights): a weight [32, 2], expected one "
        + "axis"
    ) { try bake(path) }
  }

  @Test func areNoLoRA() throws {
    let (path, _) = try file()
    expectRefusal(
      AdapterError.self,
      saying: "5 keys of replaced weights, such as "
        + "'diffusion_model.double_blocks.0.img_attn.qkv.set_weight': no plain LoRA, since it replaces "
        + "weights: baking and drawing take it; glance-merge BASE FILE bakes it"
    ) { try Adapter(opening: path) }
  }

  /// Source: Comfy-Org/ComfyUI (a125cd84 and later), `comfy/lora_convert.py`, `convert_lora_bfl_control`: how it
  /// calls a control LoRA's tensors.
  @Test(
    "a control LoRA in ComfyUI's own names is the published one", arguments: [".scale", ""])
  func control(norm: String) throws {
    let published = Fixtures.folder.appending("control/bfl.safetensors")
    var tensors = try SafetensorsFile(opening: published).tensors.map { tensor in
      let name = tensor.name.replacing(".lora_B.bias", with: ".diff_b")
        .replacing("_norm.scale", with: "_norm\(norm).set_weight")
      return tensor.named("diffusion_model." + name)
    }
    func shape(_ sizes: [Int64]) -> TensorView {
      let bytes = sizes.flatMap { size in
        (0..<8).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
      }
      return unsafe TensorView(
        name: "diffusion_model.img_in.reshape_weight", dtype: .i64, shape: [2],
        copying: bytes.span.bytes)
    }
    let file = folder.path.appending("control.safetensors")
    try writeSafetensors(tensors + [shape([96, 128])], to: file, overwrite: true)
    let expected = try bake(published).tensors.map { ($0.name, $0.floats().map(\.bitPattern)) }
    let found = try bake(file).tensors
    #expect(found.map(\.name) == expected.map(\.0))
    for (tensor, (name, bytes)) in zip(found, expected) {
      #expect(tensor.floats().map(\.bitPattern) == bytes, "\(name)")
    }
    tensors.append(shape([96, 64]))
    try writeSafetensors(tensors, to: file, overwrite: true)
    expectRefusal(
      AdapterError.self,
      saying: "'diffusion_model.img_in' (LoRA of a reshaped weight): its weight is given the shape "
        + "[96, 64], and its LoRA is [96, 128]"
    ) { try bake(file) }
  }
}
