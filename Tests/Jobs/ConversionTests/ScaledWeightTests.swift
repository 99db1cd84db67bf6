import Checkpoints
import Elements
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Eight-bit codes with scales: ComfyUI's two forms and musubi-tuner's.
@Suite("Scaled eight-bit weights")
struct ScaledWeightTests {
  private let folder: TemporaryFolder
  private let model = TinyModel.flux[0]

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> FilePath { folder.path.appending(name + ".safetensors") }

  private func scaled(
    _ form: ScaledForm = .generation2, dtype: DType? = nil,
    deviation: Float = 0.02
  ) throws -> [String: StoredTensor] {
    try model.write(to: file("in"), deviation: deviation)
    try convert(file("in"), to: file("scaled")) {
      $0.form.scaled = form
      $0.form.dtype = dtype
    }
    return contents(of: try TensorSource(opening: file("scaled")))
  }

  @Test("keep their codes from one form to the other", arguments: [DType.f8E4M3, .f8E5M2])
  func forms(dtype: DType) throws {
    let new = try scaled(dtype: dtype)
    try convert(file("scaled"), to: file("old")) { $0.form.scaled = .generation1 }
    let old = contents(of: try TensorSource(opening: file("old")))
    // Notes that don't ask for full precision become a marker that doesn't.
    #expect(old["scaled_fp8"]?.dtype == dtype.rawValue && old["scaled_fp8"]?.shape == [0])
    #expect(!old.keys.contains { $0.hasSuffix(".comfy_quant") || $0.hasSuffix(".weight_scale") })
    for (name, tensor) in new where tensor.dtype == dtype.rawValue {
      let layer = name.dropLast(".weight".count)
      #expect(old[name] == tensor, "\(name)")
      #expect(old[layer + ".scale_weight"] == new[layer + ".weight_scale"])
      let note = new[layer + ".comfy_quant"].map { String(decoding: $0.bytes, as: UTF8.self) }
      #expect(
        note == "{\"format\": \"\(dtype == .f8E4M3 ? "float8_e4m3fn" : "float8_e5m2")\"}")
    }
    try convert(file("old"), to: file("again")) { $0.form.scaled = .generation2 }
    let again = contents(of: try TensorSource(opening: file("again")))
    // Layers outside of blocks have codes since the first form; all else is as it was.
    let inBlocks = new.filter { $0.key.contains("_blocks.") }
    #expect(again.filter { $0.key.contains("_blocks.") } == inBlocks)
    #expect(again["img_in.weight"] == old["img_in.weight"])
  }

  @Test("have max |w| over the largest code as scale, in blocks only")
  func scales() throws {
    let found = try scaled()
    let own = try TensorSource(opening: file("in"))
    var count = 0
    for tensor in own.tensors {
      let isScaled =
        tensor.shape.count == 2
        && (tensor.name.hasPrefix("double_blocks.") || tensor.name.hasPrefix("single_blocks."))
      #expect(found[tensor.name]?.dtype == (isScaled ? "F8_E4M3" : "BF16"), "\(tensor.name)")
      guard isScaled else { continue }
      count += 1
      let largest = tensor.floats().map(abs).max() ?? 0
      let scale = try TensorSource(opening: file("scaled")).tensor(
        named: tensor.name.dropLast(".weight".count) + ".weight_scale")
      #expect(scale.shape == [] && scale.dtype == .f32)
      #expect(scale.floats() == [largest / 448])
    }
    #expect(count == model.doubleBlocks * 10 + model.singleBlocks * 3)
  }

  /// code · scale in float32, rounded once: an independent loop over the definition of the type.
  @Test("become BF16 with one rounding", arguments: [DType.f8E4M3, .f8E5M2])
  func widened(dtype: DType) throws {
    let codes = try scaled(dtype: dtype)
    try convert(file("scaled"), to: file("plain")) { $0.form.dtype = .bf16 }
    let plain = contents(of: try TensorSource(opening: file("plain")))
    #expect(Set(plain.keys) == Set(contents(of: try TensorSource(opening: file("in"))).keys))
    for (name, tensor) in codes where tensor.dtype == dtype.rawValue {
      let scale = try #require(codes[name.dropLast(".weight".count) + ".weight_scale"]).float
      let expected = tensor.bytes.flatMap { code in
        let bits = BFloat16(value(of: code, dtype) * scale).bitPattern
        return [UInt8(bits & 0xFF), UInt8(bits >> 8)]
      }
      #expect(plain[name]?.bytes == expected, "\(name)")
    }
  }

  /// Source: OCP 8-bit Floating Point Specification (OFP8) 1.0.
  private func value(of code: UInt8, _ dtype: DType) -> Float {
    let fraction = dtype == .f8E4M3 ? 3 : 2
    let bias = dtype == .f8E4M3 ? 7 : 15
    let exponent = Int(code & 0x7F) >> fraction
    let steps = Float(code & UInt8(1 << fraction - 1)) + (exponent == 0 ? 0 : Float(1 << fraction))
    let power = Float(sign: .plus, exponent: max(exponent, 1) - bias - fraction, significand: 1)
    return (code < 128 ? 1 : -1) * steps * power
  }

  @Test("that are split copy the scale to every part, and come back")
  func split() throws {
    let fused = try scaled()
    try convert(file("scaled"), to: file("split")) { $0.layout = "diffusers" }
    let split = contents(of: try TensorSource(opening: file("split")))
    let scale = fused["single_blocks.0.linear1.weight_scale"]
    for part in ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"] {
      #expect(split["single_transformer_blocks.0.\(part).weight_scale"] == scale)
      #expect(split["single_transformer_blocks.0.\(part).weight"]?.dtype == "F8_E4M3")
    }
    try convert(file("split"), to: file("back")) { $0.layout = "bfl" }
    #expect(contents(of: try TensorSource(opening: file("back"))) == fused)
  }

  @Test("get new codes when parts of different scales are fused, and the plan says so")
  func fused() throws {
    try model.write(to: file("in"))
    try convert(file("in"), to: file("plain")) { $0.layout = "diffusers" }
    try convert(file("plain"), to: file("split")) { $0.form.scaled = .generation2 }
    var request = RewritingRequest(input: file("split"), output: file("fused"))
    request.layout = "bfl"
    let plan = try RewritingPlan(request)
    #expect(plan.notes.contains { $0.contains("double_blocks.0.img_attn.qkv.weight") })
    _ = try plan.write { _ in }
    let found = try TensorSource(opening: file("fused"))
    let parts = try TensorSource(opening: file("split"))
    let expected = try ["to_q", "to_k", "to_v"].flatMap { part in
      let name = "transformer_blocks.0.attn.\(part).weight"
      let scale = try parts.tensor(named: name + "_scale").floats()[0]
      return try parts.tensor(named: name).floats().map { $0 * scale }
    }
    let scale = try found.tensor(named: "double_blocks.0.img_attn.qkv.weight_scale").floats()[0]
    #expect(scale == (expected.map(abs).max() ?? 0) / 448)
    let own = try found.tensor(named: "double_blocks.0.img_attn.qkv.weight").floats()
    // Half a step of three fraction bits, or of the smallest number.
    for (own, expected) in zip(own, expected) {
      #expect(abs(own * scale - expected) <= max(abs(expected) * 0x1.001p-4, scale * 0x1.001p-10))
    }
  }

  /// Source: kohya-ss/musubi-tuner, `modules/fp8_optimization_utils.py`: scales of the weights' own
  /// type, for every row, or every run of 64 columns in a row.
  @Test("of musubi-tuner have a scale for every row or run of columns", arguments: [1, 2])
  func musubi(runs: Int) throws {
    let model = TinyModel(
      title: "wide", isQwen: true, hidden: 128, mlp: 128, head: 64, doubleBlocks: 1)
    try model.write(to: file("in"))
    let name = "transformer_blocks.0.attn.to_k.weight"
    let factors = (0..<128 * runs).map { 0x1p-6 + Float($0) * 0x1p-12 }
    let codes = (0..<128 * 128).map { UInt8($0 % 0x7F) }
    let shape = runs == 1 ? [128, 1] : [128, runs, 1]
    let scale = TensorView(
      name: "transformer_blocks.0.attn.to_k.scale_weight", shape: shape, factors
    ).cast(to: .bf16)
    let stored = unsafe TensorView(
      name: name, dtype: .f8E4M3, shape: [128, 128], copying: codes.span.bytes)
    let others = try TensorSource(opening: file("in")).tensors.filter { $0.name != name }
    try writeSafetensors(others + [stored, scale], to: file("musubi"), overwrite: false)
    try convert(file("musubi"), to: file("plain")) { $0.form.dtype = .f32 }
    let found = try TensorSource(opening: file("plain")).tensor(named: name).floats()
    let run = 128 / runs
    let rounded = scale.floats()
    let expected = codes.enumerated().map { value(of: $1, .f8E4M3) * rounded[$0 / run] }
    #expect(found == expected)
    #expect(try TensorSource(opening: file("plain")).find(scale.name) == nil)
    // ComfyUI has one scale for a weight, so that codes change, and the plan says so.
    var request = RewritingRequest(input: file("musubi"), output: file("comfyui"))
    request.form.scaled = .generation2
    let plan = try RewritingPlan(request)
    #expect(plan.notes.contains { $0.contains("anew") && $0.contains(name) })
    _ = try plan.write { _ in }
    try convert(file("comfyui"), to: file("widened")) { $0.form.dtype = .f32 }
    let widened = try TensorSource(opening: file("widened")).tensor(named: name).floats()
    #expect(relativeError(widened, expected) < 0.03)
  }

  @Test("of a factor that fits no shape, or is not finite, are refused by name")
  func wrongScales() throws {
    let name = "double_blocks.0.img_mod.lin"
    for (shape, factors) in [([3], [1, 1, 1]), ([], [Float.nan]), ([1], [.infinity])]
      as [([Int], [Float])]
    {
      _ = try scaled()
      let views = try TensorSource(opening: file("scaled")).tensors.map { tensor in
        tensor.name == name + ".weight_scale"
          ? TensorView(name: tensor.name, shape: shape, factors) : tensor
      }
      try writeSafetensors(views, to: file("wrong"), overwrite: true)
      let error = #expect(throws: CheckpointError.self) {
        try convert(file("wrong"), to: file("out")) { $0.form.dtype = .bf16 }
      }
      #expect("\(try #require(error))".contains(name + ".weight_scale"))
      folder.remove("in.safetensors")
      folder.remove("scaled.safetensors")
    }
  }

  @Test("of integers are refused, not copied without their scale")
  func integers() throws {
    try model.write(to: file("in"))
    let name = "double_blocks.0.img_mod.lin"
    let codes = [UInt8](repeating: 1, count: 72 * 12)
    let others = try TensorSource(opening: file("in")).tensors.filter {
      $0.name != name + ".weight"
    }
    let stored = unsafe TensorView(
      name: name + ".weight", dtype: .i8, shape: [72, 12], copying: codes.span.bytes)
    let scale = TensorView(name: name + ".weight_scale", shape: [], [0.5])
    try writeSafetensors(others + [stored, scale], to: file("int8"), overwrite: false)
    let error = #expect(throws: CheckpointError.self) {
      try convert(file("int8"), to: file("out")) { $0.form.dtype = .bf16 }
    }
    #expect("\(try #require(error))".contains(name + ".weight"))
    try convert(file("int8"), to: file("copy"))
    expectSameTensors(
      try TensorSource(opening: file("copy")), try TensorSource(opening: file("int8")))
  }

  @Test("stay below the error of codes without a scale, for small weights")
  func smallWeights() throws {
    let codes = try scaled(deviation: 0.003)
    try convert(file("scaled"), to: file("widened")) { $0.form.dtype = .f32 }
    try convert(file("in"), to: file("plain")) { $0.form.dtype = .f8E4M3 }
    let name = "double_blocks.0.img_mlp.0.weight"
    #expect(codes[name]?.dtype == "F8_E4M3")
    let expected = try TensorSource(opening: file("in")).tensor(named: name).floats()
    let scaledError = relativeError(
      try TensorSource(opening: file("widened")).tensor(named: name).floats(), expected)
    let plainError = relativeError(
      try TensorSource(opening: file("plain")).tensor(named: name).floats(), expected)
    // Normal numbers: 2.65 % with a scale, 18.8 % without for this deviation.
    #expect(scaledError < 0.03)
    #expect(plainError > 0.15)
  }
}

extension StoredTensor {
  /// The only float32 number.
  fileprivate var float: Float {
    guard dtype == "F32", bytes.count == 4 else { return .nan }
    return Float(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
  }
}
