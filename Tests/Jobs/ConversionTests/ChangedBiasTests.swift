import Adapters
import Conversion
import Elements
import JSON
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Biases and norms of adapters, converted")
struct ChangedBiasTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("\(name).safetensors")
  }

  private func converted(
    _ input: FilePath, dialect: String? = nil,
    alpha: AdapterWritingOptions.AlphaPolicy = .bake, dtype: DType? = nil, isPartial: Bool = false,
    family: String? = nil
  ) throws -> (file: SafetensorsFile, conversion: AdapterConversion) {
    var request = AdapterConversion.Request()
    (request.dialect, request.alpha, request.dtype) = (dialect, alpha, dtype)
    (request.isPartial, request.overwrite, request.family) = (isPartial, true, family)
    let conversion = try AdapterConversion(
      input, to: folder.path.appending("converted.safetensors"), request)
    try conversion.write()
    return (try SafetensorsFile(opening: conversion.output), conversion)
  }

  /// `tools/record-control-adapter`: the converter of diffusers 0.42.1.
  @Test(
    "of a control LoRA are what diffusers' own converter makes of them, byte for byte",
    arguments: ["bfl", "diffusers"])
  func control(name: String) throws {
    let expected = try SafetensorsFile(opening: Self.fixture("control/diffusers"))
    let (found, conversion) = try converted(
      Self.fixture("control/\(name)"), dialect: "diffusers")
    #expect(Set(found.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    for tensor in expected.tensors {
      let own = try found.tensor(named: tensor.name)
      #expect(own.dtype == tensor.dtype && own.shape == tensor.shape, "\(tensor.name)")
      #expect(own.floats() == tensor.floats(), "\(tensor.name)")
    }
    let header = try JSONValue(parsing: try #require(found.metadata["lora_adapter_metadata"]))
    #expect(header["transformer.lora_bias"]?.bool == true)
    // PEFT refuses biases with any other beginning.
    #expect(header["transformer.init_lora_weights"]?.bool == true)
    #expect(!conversion.notes.contains { $0.text.contains("left out") })
  }

  @Test("of a control LoRA go back into the published names, byte for byte")
  func published() throws {
    let expected = try SafetensorsFile(opening: Self.fixture("control/bfl"))
    let (found, conversion) = try converted(
      Self.fixture("control/diffusers"), dialect: "bfl", family: "flux1")
    #expect(Set(found.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
    for tensor in expected.tensors {
      let own = try found.tensor(named: tensor.name)
      #expect(own.dtype == tensor.dtype && own.shape == tensor.shape, "\(tensor.name)")
      #expect(own.floats().map(\.bitPattern) == tensor.floats().map(\.bitPattern), "\(tensor.name)")
    }
    #expect(!conversion.notes.contains { $0.text.contains("left out") })
  }

  @Test("of a control LoRA are all there, or it has no form in the published names")
  func incomplete() throws {
    let whole = try SafetensorsFile(opening: Self.fixture("control/diffusers")).tensors
    let file = folder.path.appending("part.safetensors")
    for missing in [
      "single_transformer_blocks.2.attn.norm_k", "transformer_blocks.0.attn.to_add_out",
    ] {
      try writeSafetensors(
        whole.filter { !$0.name.contains(missing) }, to: file, overwrite: true)
      expectRefusal(
        AdapterError.self,
        saying:
          "dialect 'bfl' is that of control LoRAs, which change every layer and every norm, and "
          + "this adapter has nothing for '\(missing)'"
      ) { try converted(file, dialect: "bfl", family: "flux1") }
    }
    // A bias that isn't there is zero, which the published files say.
    try writeSafetensors(
      whole.filter { $0.name != "transformer.proj_out.lora_B.bias" }, to: file, overwrite: true)
    let (found, _) = try converted(file, dialect: "bfl", family: "flux1")
    #expect(
      try found.tensor(named: "final_layer.linear.lora_B.bias").floats()
        == [Float](repeating: 0, count: 64))
    expectRefusal(
      AdapterError.self, saying: "dialect 'bfl' is that of control LoRAs"
    ) { try converted(Self.fixture("methods/peft-bias"), dialect: "bfl", family: "flux1") }
  }

  @Test(
    "have the scale of their module's factors",
    arguments: [AdapterWritingOptions.AlphaPolicy.bake, .tensor, .metadata])
  func scale(alpha: AdapterWritingOptions.AlphaPolicy) throws {
    let input = try SafetensorsFile(opening: Self.fixture("methods/peft-bias"))
    let stem = "transformer.transformer_blocks.1.attn.to_out.0.lora_B"
    let (found, _) = try converted(Self.fixture("methods/peft-bias"), alpha: alpha)
    // Rank 4 and alpha 6.
    let factor: Float = alpha == .bake ? 1.5 : 1
    #expect(
      try found.tensor(named: "\(stem).bias").floats()
        == input.tensor(named: "\(stem).bias").floats().map { $0 * factor })
    #expect(
      try found.tensor(named: "\(stem).weight").floats()
        == input.tensor(named: "\(stem).weight").floats().map { $0 * factor })
  }

  @Test("of a module with alpha 0 are written as they are where the scale stays outside")
  func idle() throws {
    let stem = "transformer.single_transformer_blocks.0.attn.to_q"
    func view(_ name: String, _ shape: [Int]) -> TensorView {
      TensorView(
        name: "\(stem).\(name)", shape: shape, (0..<shape.reduce(1, *)).map { 1 + Float($0) })
    }
    let file = folder.path.appending("idle.safetensors")
    try writeSafetensors(
      [
        view("lora_A.weight", [1, 96]), view("lora_B.weight", [96, 1]), view("lora_B.bias", [96]),
        TensorView(name: "\(stem).alpha", shape: [], [0]),
      ], to: file, overwrite: true)
    let (found, _) = try converted(file, alpha: .tensor)
    #expect(
      try found.tensor(named: "\(stem).lora_B.bias").floats() == (0..<96).map { 1 + Float($0) })
  }

  @Test("give the same baked model before and after")
  func baked() throws {
    let base = Fixtures.model("tiny-flux").appending("transformer")
    func bake(_ file: FilePath, _ name: String) throws -> SafetensorsFile {
      let adapters = try MergedAdapter.adapters(
        in: file, phase: nil, strength: 1, isPartial: false, otherMethods: .asTheyAre
      ).adapters
      var request = BakeRequest(
        base: base, output: folder.path.appending(name), adapters: adapters)
      request.form.dtype = .f32
      return try SafetensorsFile(opening: try Bake(request).write { _ in }.output)
    }
    let (_, conversion) = try converted(Self.fixture("methods/peft-bias"), dtype: .f32)
    let before = try bake(conversion.input, "before.safetensors")
    let after = try bake(conversion.output, "after.safetensors")
    for tensor in before.tensors {
      // The scale of 1.5 is rounded into B and the bias once.
      #expect(
        try relativeError(after.tensor(named: tensor.name).floats(), tensor.floats()) < 1e-7,
        "\(tensor.name)")
    }
  }

  @Test("are left out or refused where the dialect has no form for them")
  func noForm() throws {
    let file = Self.fixture("methods/peft-bias")
    expectRefusal(
      AdapterError.self,
      saying: "no plain LoRA, since it changes biases or norms: baking and drawing take it"
    ) { try converted(file, dialect: "kohya", family: "flux1") }
    let (found, conversion) = try converted(
      file, dialect: "kohya", isPartial: true, family: "flux1")
    #expect(!found.tensors.contains { $0.name.hasSuffix("bias") || $0.name.hasSuffix("diff_b") })
    #expect(conversion.notes.contains { $0.text.contains("left out: 1 key of LoRA with biases") })
  }

  @Test("of Qwen-Image stand unscaled in ComfyUI's names")
  func comfyUI() throws {
    let path = "transformer_blocks.0.attn.to_q"
    func view(_ name: String, _ shape: [Int], _ value: Float) -> TensorView {
      TensorView(name: name, shape: shape, (0..<shape.reduce(1, *)).map { value + Float($0) })
    }
    let file = folder.path.appending("qwen.safetensors")
    let stem = "diffusion_model.\(path)"
    try writeSafetensors(
      [
        view("\(stem).lora_A.weight", [2, 96], 1), view("\(stem).lora_B.weight", [96, 2], 2),
        TensorView(name: "\(stem).alpha", shape: [], [1]), view("\(stem).lora_B.bias", [96], 3),
        // Only Qwen-Image has this module.
        view("diffusion_model.transformer_blocks.0.img_mod.1.lora_A.weight", [2, 96], 1),
        view("diffusion_model.transformer_blocks.0.img_mod.1.lora_B.weight", [576, 2], 1),
      ], to: file, overwrite: true)
    let (found, _) = try converted(file, dialect: "comfyui", alpha: .tensor)
    #expect(
      try found.tensor(named: "\(stem).diff_b").floats() == (0..<96).map { (3 + Float($0)) / 2 })
    #expect(try found.tensor(named: "\(stem).lora_B.weight").floats()[0] == 2)
  }
}
