import Checkpoints
import Conversion
import Elements
import GGUF
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Conversions that were recorded from the programs people use: diffusers' and sd-scripts' converters,
/// ComfyUI's rules, PyTorch's casts, gguf-py; see `tools/record-conversion-goldens`.
@Suite("Conversions that other programs recorded")
struct RecordedConversionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var output: FilePath { folder.path.appending("out.safetensors") }

  private func input(_ name: String) -> FilePath {
    Recorded.folder.appending(name + ".safetensors")
  }

  @Test(
    "rearranges tensors bit for bit",
    arguments: [
      ("flux_dev_bfl_to_diffusers", "diffusers"),
      ("flux_schnell_bfl_to_diffusers_f16", "diffusers"),
      ("flux_dev_diffusers_to_bfl", "bfl"), ("flux_fill_diffusers_to_bfl_f32", "bfl"),
    ])
  func layouts(name: String, layout: String) throws {
    try convert(input(name), to: output) { $0.layout = layout }
    try Recorded.expect(TensorSource(opening: output), are: name)
  }

  @Test("takes the prefix off, and leaves out and names what is bundled or unknown")
  func bundles() throws {
    let name = "flux_dev_bfl_to_diffusers"
    let own = try TensorSource(opening: input(name)).tensors
    let bundled = ["vae.encoder.conv_in.weight", "text_encoders.clip_l.transformer.logit_scale"]
    let prefix = "model.diffusion_model."
    let others = ["__x0__", prefix + "ema.decay", prefix + "double_blocks.0.unknown.weight"]
    let file = folder.path.appending("all.safetensors")
    try writeSafetensors(
      (bundled + others).map { TensorView(name: $0, shape: [1], [1]) }
        + own.map { $0.named(prefix + $0.name) }, to: file, overwrite: false)
    var request = RewritingRequest(input: file, output: output)
    request.layout = "diffusers"
    let plan = try RewritingPlan(request)
    #expect(Set(plan.leftOut.map(\.name)).isSuperset(of: others))
    _ = try plan.write { _ in }
    try Recorded.expect(TensorSource(opening: output), are: name)
  }

  @Test("fuses q, k and v that lie in different shards, and misses a shard by name")
  func shards() throws {
    let name = "flux_dev_diffusers_to_bfl"
    let shards = folder.path.appending("shards")
    try convert(input(name), to: shards) {
      $0.form.shardByteLimit = 2000
      $0.headDimension = 16
    }
    let files = try TensorSource(opening: shards).files
    #expect(files.count > 30)
    try convert(shards, to: output) { $0.layout = "bfl" }
    try Recorded.expect(TensorSource(opening: output), are: name)
    let missing = try #require(files[1].lastComponent)
    folder.remove("shards/" + missing.string)
    let error = #expect(throws: SafetensorsError.self) {
      try convert(shards, to: output) { $0.layout = "bfl" }
    }
    #expect("\(try #require(error))".contains(missing.string))
  }

  @Test("refuses what lacks a tensor, and names it")
  func missing() throws {
    let file = folder.path.appending("in.safetensors")
    let gone = "double_blocks.1.txt_attn.qkv.weight"
    let own = try TensorSource(opening: input("flux_dev_bfl_to_diffusers")).tensors
    try writeSafetensors(own.filter { $0.name != gone }, to: file, overwrite: false)
    let error = #expect(throws: CheckpointError.self) {
      try convert(file, to: output) { $0.layout = "diffusers" }
    }
    #expect("\(try #require(error))".contains(gone))
    #expect(folder.entries == ["in.safetensors"])
    // Where tensors stay where they are the others are converted, and what is missing is said.
    var request = RewritingRequest(input: file, output: output)
    request.form.dtype = .f32
    #expect(
      try RewritingPlan(request).notes == [
        "tensor '\(gone)' [96, 32] is missing, and so it is in what is written: FLUX.1 is not whole without it"
      ])
  }

  @Test("writes the folder that diffusers writes")
  func pipelineFolder() throws {
    let target = folder.path.appending("transformer")
    try convert(input("flux_dev_bfl_to_diffusers"), to: target) {
      $0.layout = "diffusers"
      $0.form.shardByteLimit = 100_000
    }
    let source = try TensorSource(opening: target)
    #expect(source.problems == [])
    #expect(source.files.count > 2)
    try Recorded.expect(source, are: "flux_dev_bfl_to_diffusers")
    let found = try JSONValue(parsing: Fixtures.text(target.appending("config.json")))
    let expected = try #require(
      try Recorded.expectation("flux_bfl_to_diffusers_folder_sharded")["config"]?.object)
    for member in expected.members
    where !["_diffusers_version", "axes_dims_rope"].contains(member.key) {
      #expect(found[member.key] == member.value, "\(member.key)")
    }
  }

  @Test("strips and adds nothing but the prefix of Qwen-Image")
  func qwenImage() throws {
    let name = "qwen_sharded_to_comfy_single"
    let sharded = Recorded.folder.appending(name)
    try convert(sharded, to: output) {
      $0.layout = "comfyui"
      $0.prefix = ""
    }
    try Recorded.expect(TensorSource(opening: output), are: name)
    let prefixed = folder.path.appending("comfyui.safetensors")
    try convert(sharded, to: prefixed) { $0.layout = "comfyui" }
    let names = try TensorSource(opening: prefixed).tensors.map(\.name)
    #expect(names.allSatisfy { $0.hasPrefix("model.diffusion_model.") })
    let back = folder.path.appending("back.safetensors")
    try convert(prefixed, to: back) { $0.layout = "diffusers" }
    try Recorded.expect(TensorSource(opening: back), are: name)
  }

  @Test("widens plain eight-bit floats")
  func plainEightBits() throws {
    let name = "flux_f8_plain_to_bf16_diffusers"
    try convert(input(name), to: output) {
      $0.layout = "diffusers"
      $0.form.dtype = .bf16
    }
    try Recorded.expect(TensorSource(opening: output), are: name)
  }

  /// comfy-kitchen widens and multiplies in BF16; one rounding is nearer, and at most two units in the
  /// last place away.
  @Test("multiplies scaled eight-bit codes by their scale")
  func scaledToBF16() throws {
    let name = "scaled_fp8_legacy_to_bf16"
    try convert(input(name), to: output) { $0.form.dtype = .bf16 }
    let found = try TensorSource(opening: output)
    let expected = try TensorSource(opening: input(name + ".expected"))
    #expect(Set(found.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    for tensor in expected.tensors {
      let own = try found.tensor(named: tensor.name)
      #expect(own.dtype == tensor.dtype && own.shape == tensor.shape, "\(tensor.name)")
      let steps = zip(bf16Steps(own), bf16Steps(tensor)).map { abs($0 - $1) }.max() ?? 0
      #expect(steps <= 2, "\(tensor.name)")
    }
  }

  /// Positions of numbers in the order of all BF16 numbers.
  private func bf16Steps(_ tensor: TensorView) -> [Int] {
    tensor.floats().map { value in
      let bits = Int(value.bitPattern >> 16)
      return bits & 0x8000 == 0 ? bits : -(bits & 0x7FFF)
    }
  }

  @Test("gives the codes and scales of comfy-kitchen")
  func scaledFromF32() throws {
    let name = "scaled_fp8_write_from_f32"
    try convert(input(name), to: output) { $0.form.scaled = .generation2 }
    let found = contents(of: try TensorSource(opening: output))
    let expected = contents(of: try TensorSource(opening: input(name + ".expected")))
    #expect(Set(found.keys) == Set(expected.keys))
    for (name, tensor) in expected {
      if name.hasSuffix(".weight_scale") {
        // Both are max / 448 in float32; PyTorch's may be a product with the reciprocal.
        let (own, other) = (float(found[name]), float(tensor))
        #expect(abs(own - other) <= 2e-7 * other, "\(name)")
      } else if name.hasSuffix(".comfy_quant") {
        #expect(found[name]?.bytes == tensor.bytes)
      } else if tensor.dtype == "F8_E4M3" {
        let own = try #require(found[name])
        #expect(own.dtype == tensor.dtype && own.shape == tensor.shape)
        let different = zip(own.bytes, tensor.bytes).filter { $0 != $1 }
        #expect(different.count * 1000 <= tensor.bytes.count, "\(name)")
        #expect(different.allSatisfy { abs(Int($0) - Int($1)) == 1 }, "\(name)")
      } else {
        #expect(found[name] == tensor, "\(name)")
      }
    }
  }

  private func float(_ tensor: StoredTensor?) -> Float {
    let bytes = tensor?.bytes ?? []
    guard bytes.count == 4 else { return .nan }
    return Float(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
  }

  @Test("writes the GGUF files of ComfyUI-GGUF", arguments: ["gguf_flux_bf16", "gguf_flux_q8_0"])
  func gguf(name: String) throws {
    let file = folder.path.appending("out.gguf")
    try convert(input(name), to: file) { $0.form.gguf = name.hasSuffix("q8_0") ? "q8_0" : "auto" }
    let found = try GGUFFile(opening: file)
    let stored = try contents(of: file)
    try Recorded.expect(
      found.tensors.map { tensor in
        (
          tensor.name, tensor.type.name.uppercased(), tensor.shape,
          Array(stored[tensor.byteRange])
        )
      }, are: name)
    let values = try #require(try Recorded.expectation(name)["values"]?.object)
    #expect(values.members.count == 3)
    for member in values.members {
      let own = found.value(of: member.key)
      #expect(
        own?.string == member.value.string && own?.integer == member.value.integer,
        "\(member.key)")
    }
  }

  @Test("reads a GGUF file of gguf-py")
  func fromGGUF() throws {
    let name = "gguf_qwen_image_bf16_to_diffusers"
    try convert(Recorded.folder.appending(name + ".gguf"), to: output) {
      $0.layout = "diffusers"
      $0.form.dtype = .bf16
    }
    try Recorded.expect(TensorSource(opening: output), are: name)
  }

  /// The expected files are PyTorch's; a NaN's other bits are nobody's promise.
  @Test(
    "casts as PyTorch does, tensors of no known model too",
    arguments: [
      ("dtype_bf16_to_f32_exact", .f32), ("dtype_f32_to_bf16_edges", .bf16),
      ("dtype_f32_to_f16_edges", .f16), ("dtype_bf16_to_f8e4m3_saturate", .f8E4M3),
      ("dtype_f8e4m3_all_codes_widen", .f32),
    ] as [(String, DType)])
  func casts(name: String, dtype: DType) throws {
    let place = Fixtures.folder.appending("conversions").appending(name)
    try convert(place.appending("in").appending("x.safetensors"), to: output) {
      $0.form.dtype = dtype
    }
    let found = try TensorSource(opening: output)
    let expected = try TensorSource(
      opening: place.appending("exp").appending("y.safetensors"))
    #expect(found.tensors.count == expected.tensors.count)
    for tensor in expected.tensors {
      let own = try found.tensor(named: tensor.name)
      #expect(own.dtype == tensor.dtype && own.shape == tensor.shape)
      let pairs = zip(own.floats(), tensor.floats())
      #expect(
        pairs.allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) },
        "\(tensor.name)")
    }
  }

  @Test("carries legal oddities of a file along")
  func oddities() throws {
    let place = Fixtures.folder.appending("conversions").appending("container_accepted_oddities")
    try convert(place.appending("in").appending("odd.safetensors"), to: output)
    let found = try TensorSource(opening: output)
    let expected = try TensorSource(
      opening: place.appending("exp").appending("copy.safetensors"))
    expectSameTensors(found, expected)
    #expect(found.metadata.map(\.key) == expected.metadata.map(\.key))
    #expect(found.metadata.map(\.value) == expected.metadata.map(\.value))
  }
}
