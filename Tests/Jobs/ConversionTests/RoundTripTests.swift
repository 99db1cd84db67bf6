import Checkpoints
import Concurrency
import Elements
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Conversions that lose nothing come back to the same bytes, for every variant of every family and
/// for widths that no published model has.
@Suite("Converting there and back")
struct RoundTripTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> FilePath { folder.path.appending(name) }

  private func write(_ model: TinyModel, dtype: DType = .bf16, prefix: String = "") throws
    -> FilePath
  {
    let path = file("in.safetensors")
    try model.write(to: path, dtype: dtype, prefix: prefix)
    return path
  }

  @Test(
    "FLUX.1 to diffusers and back, in every dtype", arguments: TinyModel.flux,
    [DType.bf16, .f16, .f32, .f8E4M3])
  func layouts(model: TinyModel, dtype: DType) throws {
    let input = try write(model, dtype: dtype)
    let diffusers = file("diffusers.safetensors")
    let back = file("back.safetensors")
    try convert(input, to: diffusers) { $0.layout = "diffusers" }
    try convert(diffusers, to: back) { $0.layout = "bfl" }
    expectSameTensors(try TensorSource(opening: back), try TensorSource(opening: input))
    let middle = try TensorSource(opening: diffusers)
    #expect(middle.tensors.contains { $0.name.hasSuffix("attn.add_q_proj.weight") })
    #expect(middle.byteCount == (try TensorSource(opening: input)).byteCount)
    #expect(middle.metadata.contains { $0.key == "modelspec.title" })
  }

  /// Rows by hand, without the data that the conversion follows.
  @Test(
    "cuts fused rows and exchanges the halves of the last modulation", arguments: TinyModel.flux)
  func rows(model: TinyModel) throws {
    let input = try write(model)
    let output = file("diffusers.safetensors")
    try convert(input, to: output) { $0.layout = "diffusers" }
    let own = contents(of: try TensorSource(opening: input))
    let found = contents(of: try TensorSource(opening: output))
    let row = 2 * model.hidden
    for (number, part) in ["to_q", "to_k", "to_v"].enumerated() {
      let range = number * model.hidden * row..<(number + 1) * model.hidden * row
      #expect(
        found["transformer_blocks.0.attn.\(part).weight"]?.bytes
          == own["double_blocks.0.img_attn.qkv.weight"].map { Array($0.bytes[range]) })
      #expect(
        found["single_transformer_blocks.0.attn.\(part).weight"]?.bytes
          == own["single_blocks.0.linear1.weight"].map { Array($0.bytes[range]) })
    }
    #expect(
      found["single_transformer_blocks.0.proj_mlp.weight"]?.bytes
        == own["single_blocks.0.linear1.weight"].map {
          Array($0.bytes[(3 * model.hidden * row)...])
        }
    )
    for parameter in ["weight", "bias"] {
      let whole = try #require(own["final_layer.adaLN_modulation.1.\(parameter)"]?.bytes)
      #expect(
        found["norm_out.linear.\(parameter)"]?.bytes
          == Array(whole[(whole.count / 2)...] + whole[..<(whole.count / 2)]))
    }
  }

  @Test("Qwen-Image to ComfyUI's names and back", arguments: TinyModel.qwen)
  func qwenImage(model: TinyModel) throws {
    let input = try write(model)
    let comfyui = file("comfyui.safetensors")
    let transformer = file("transformer")
    let again = file("again.safetensors")
    try convert(input, to: comfyui) { $0.layout = "comfyui" }
    let prefixed = try TensorSource(opening: comfyui)
    #expect(prefixed.tensors.allSatisfy { $0.name.hasPrefix("model.diffusion_model.") })
    try convert(comfyui, to: transformer) { $0.layout = "diffusers" }
    let configuration = try OpenedCheckpoint(opening: transformer)
    #expect(configuration.configuration?.json["zero_cond_t"]?.bool == model.marker)
    #expect(configuration.configuration?.json["use_additional_t_cond"]?.bool == model.isLayered)
    #expect(configuration.configuration?.json["use_layer3d_rope"]?.bool == model.isLayered)
    #expect(configuration.description.problems.isEmpty)
    let plain = contents(of: configuration.source)
    var own = contents(of: try TensorSource(opening: input))
    // What the marker says is in config.json there.
    own["__index_timestep_zero__"] = nil
    #expect(plain == own)
    try convert(transformer, to: again) { $0.layout = "comfyui" }
    expectSameTensors(try TensorSource(opening: again), prefixed)
  }

  /// From a folder, whose config.json alone says it.
  @Test(
    "a switch of the model survives every container",
    arguments: [
      ("one.safetensors", nil, nil, "__index_timestep_zero__"),
      ("one.sft", "diffusers", nil, "__index_timestep_zero__"),
      ("one.safetensors", "comfyui", nil, "model.diffusion_model.__index_timestep_zero__"),
      ("one.gguf", nil, "bf16", "__index_timestep_zero__"),
      ("one.gguf", nil, "q8_0", "__index_timestep_zero__"), ("folder", nil, nil, nil),
      ("folder", "diffusers", nil, nil),
      ("folder", "comfyui", nil, "model.diffusion_model.__index_timestep_zero__"),
    ] as [(String, String?, String?, String?)])
  func switches(output: String, layout: String?, gguf: String?, marker: String?) throws {
    let folder = file("model")
    try convert(write(TinyModel.qwen[1]), to: folder) { $0.layout = "diffusers" }
    #expect(try TensorSource(opening: folder).find("__index_timestep_zero__") == nil)
    try convert(folder, to: file(output)) {
      $0.layout = layout
      $0.form.gguf = gguf
    }
    let written = try OpenedCheckpoint(opening: file(output))
    #expect(written.description.variant?.name == "edit-2511")
    let found = written.source.tensors.filter { $0.name.hasSuffix("__index_timestep_zero__") }
    #expect(found.map(\.name) == (marker.map { [$0] } ?? []))
    #expect(found.allSatisfy { $0.shape == [0] && $0.dtype == .f32 })
    // And on from there, through GGUF again, back to a folder.
    try convert(file(output), to: file("next.gguf")) { $0.form.gguf = "auto" }
    try convert(file("next.gguf"), to: file("back")) { $0.layout = "diffusers" }
    let back = try OpenedCheckpoint(opening: file("back"))
    #expect(back.configuration?.json["zero_cond_t"]?.bool == true)
  }

  @Test func aSwitchWithoutAPlaceRefusesUnlessItIsGivenUp() throws {
    let folder = file("model")
    try convert(write(TinyModel.qwen[0]), to: folder) { $0.layout = "diffusers" }
    let path = folder.appending("config.json")
    let text = try Fixtures.text(path).replacing(
      "\"guidance_embeds\": false", with: "\"guidance_embeds\": true")
    let descriptor = try FileDescriptor.open(path, .writeOnly, options: .truncate)
    try descriptor.closeAfter { _ = try descriptor.writeAll(text.utf8) }
    var request = RewritingRequest(input: folder, output: file("one.safetensors"))
    let error = #expect(throws: RewritingError.self) { _ = try RewritingPlan(request) }
    #expect(
      error?.description
        == "\(folder): 'guidance' is said by config.json alone, and the output has none; write a "
        + "folder under diffusers' names, or leave it out with --drop-switches")
    request.dropsSwitches = true
    #expect(
      try RewritingPlan(request).notes == ["'guidance' is said nowhere in the output"])
  }

  @Test("one file to shards and back", arguments: [TinyModel.flux[0], TinyModel.qwen[0]])
  func shards(model: TinyModel) throws {
    let input = try write(model)
    var found: [[String: StoredTensor]] = []
    for limit in [1, 1000, 4096, 1_000_000] {
      let shards = file("shards-\(limit)")
      try convert(input, to: shards) { $0.form.shardByteLimit = limit }
      let source = try TensorSource(opening: shards)
      #expect(source.problems == [])
      found.append(contents(of: source))
      let back = file("back-\(limit).safetensors")
      try convert(shards, to: back)
      expectSameTensors(try TensorSource(opening: back), try TensorSource(opening: input))
    }
    #expect(found.allSatisfy { $0 == found[0] })
  }

  @Test(
    "compressed and back is the same file, byte for byte",
    arguments: [TinyModel.flux[0], TinyModel.flux[5], TinyModel.qwen[1]],
    [DType.bf16, .f16, .f32, .f8E5M2])
  func compressed(model: TinyModel, dtype: DType) throws {
    let input = try write(model, dtype: dtype)
    let packed = file("packed.safetensors")
    let back = file("back.safetensors")
    try convert(input, to: packed) { $0.form.isCompressed = true }
    try convert(packed, to: back)
    #expect(try contents(of: back) == contents(of: input))
    // A compressed checkpoint is read like any other.
    let layout = model.isQwen ? "comfyui" : "diffusers"
    let (direct, indirect) = (file("direct.safetensors"), file("indirect.safetensors"))
    try convert(input, to: direct) { $0.layout = layout }
    try convert(packed, to: indirect) { $0.layout = layout }
    expectSameTensors(try TensorSource(opening: indirect), try TensorSource(opening: direct))
  }

  @Test("a difference and its base give the same file, byte for byte")
  func difference() throws {
    let model = TinyModel.flux[0]
    let base = try write(model)
    let tuned = file("tuned.safetensors")
    let views = try TensorSource(opening: base).tensors.enumerated().map { index, tensor in
      index % 3 == 0
        ? TensorView(
          name: tensor.name, shape: tensor.shape, tensor.floats().map { $0 * 1.01 }
        ).cast(to: .bf16) : tensor
    }
    try writeSafetensors(views, metadata: [("a", "b")], to: tuned, overwrite: false)
    let delta = file("delta.safetensors")
    try convert(tuned, to: delta) { $0.form.differenceBase = base }
    let back = file("back.safetensors")
    try convert(delta, to: back)
    #expect(try contents(of: back) == contents(of: tuned))
    let elsewhere = file("elsewhere.safetensors")
    try convert(base, to: elsewhere)
    folder.remove("in.safetensors")
    #expect(throws: (any Error).self) { try convert(delta, to: file("no.safetensors")) }
    let again = file("again.safetensors")
    try convert(delta, to: again) { $0.inputBase = elsewhere }
    #expect(try contents(of: again) == contents(of: tuned))
    let other = file("other.safetensors")
    try model.write(to: other, seed: 2)
    #expect(throws: (any Error).self) {
      try convert(delta, to: file("no.safetensors")) { $0.inputBase = other }
    }
    #expect(!folder.entries.contains("no.safetensors"))
  }

  @Test(
    "GGUF without blocks keeps every number", arguments: TinyModel.flux + TinyModel.qwen,
    [("f32", DType.f32), ("f16", .f16), ("bf16", .bf16)])
  func gguf(model: TinyModel, preset: (name: String, dtype: DType)) throws {
    let input = try write(model, dtype: preset.dtype)
    let packed = file("packed.gguf")
    let back = file("back.safetensors")
    try convert(input, to: packed) { $0.form.gguf = preset.name }
    try convert(packed, to: back) { $0.form.dtype = preset.dtype }
    var own = contents(of: try TensorSource(opening: input))
    var found = contents(of: try TensorSource(opening: back))
    // The marker has no elements, and so no numbers that a type would be for.
    let marker = "__index_timestep_zero__"
    #expect((own.removeValue(forKey: marker) == nil) == (found.removeValue(forKey: marker) == nil))
    #expect(found == own)
    let metadata = try TensorSource(opening: back).metadata
    #expect(metadata.contains { $0.key == "modelspec.title" && $0.value == "tiny \(model.title)" })
  }

  @Test("blocks of GGUF keep their type and bytes", arguments: ["q8_0", "q4_0"])
  func blocks(preset: String) throws {
    let model = TinyModel(title: "wide", hidden: 64, mlp: 96, head: 16, doubleBlocks: 1)
    let input = try write(model)
    try convert(input, to: file("first.gguf")) { $0.form.gguf = preset }
    try convert(file("first.gguf"), to: file("second.gguf"))
    #expect(try contents(of: file("second.gguf")) == contents(of: file("first.gguf")))
  }

  @Test("the same bytes for one, two and three threads")
  func threads() throws {
    // Larger than a portion, so that one tensor is divided.
    let model = TinyModel(
      title: "large", hidden: 416, mlp: 1664, head: 104, doubleBlocks: 1, singleBlocks: 1)
    let input = try write(model)
    let conversions: [(String, (inout RewritingRequest) -> Void)] = [
      ("diffusers", { $0.layout = "diffusers" }),
      ("scaled", { $0.form.scaled = .generation2 }),
      (
        "random",
        {
          $0.form.dtype = .f8E4M3; $0.form.rounding = .stochastic(seed: 5)
        }
      ),
      (
        "feedback",
        {
          $0.form.dtype = .f8E4M3; $0.form.rounding = .feedback
        }
      ),
      (
        "packed",
        {
          $0.form.isCompressed = true; $0.layout = "diffusers"
        }
      ),
    ]
    for (name, settings) in conversions {
      let outputs = try atWidths([1, 2, 3]) {
        let output = file("\(name)-\(Parallel.threadCount).safetensors")
        try convert(input, to: output, settings)
        return try contents(of: output)
      }
      let areEqual = outputs[0] == outputs[1] && outputs[0] == outputs[2]
      #expect(areEqual, "\(name)")
    }
  }
}
