import AdapterAlgebra
import Adapters
import Conversion
import Elements
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// `tools/record-adapter-methods`: what PEFT 0.21.2 saves of adapters that began with factors of the base, and the
/// change that it makes of them with the factors from before training.
@Suite("Adapters that began with factors of the base, converted")
struct BaseFactorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let base = Fixtures.model("tiny-flux").appending("transformer")
  private static let path = "transformer_blocks.1.attn.to_out.0"

  private static func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("methods/\(name).safetensors")
  }

  private func conversion(
    _ file: FilePath, base: FilePath? = base, dialect: String = "diffusers"
  ) throws -> AdapterConversion {
    var request = AdapterConversion.Request()
    (request.base, request.dialect, request.family) = (base, dialect, "flux1")
    request.overwrite = true
    return try AdapterConversion(file, to: folder.path.appending("lora.safetensors"), request)
  }

  /// The factors of a fixture, changed, with another description.
  private func adapter(
    _ metadata: Metadata, adding more: [TensorView] = []
  ) throws -> FilePath {
    let path = folder.path.appending("adapter.safetensors")
    let tensors = try SafetensorsFile(opening: Self.fixture("pissa")).tensors
    try writeSafetensors(tensors + more, metadata: metadata, to: path, overwrite: true)
    return path
  }

  private func header(_ start: String, alpha: Int = 6) -> Metadata {
    [
      (
        "lora_adapter_metadata",
        #"{"transformer.r":4,"transformer.lora_alpha":\#(alpha),"#
          + #""transformer.init_lora_weights":"\#(start)"}"#
      )
    ]
  }

  private func product(of module: AdapterModule) -> [Float] {
    let (up, down, columns) = (module.up.floats(), module.down.floats(), module.inFeatures)
    return (0..<module.outFeatures * columns).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      let sum = (0..<module.rank).reduce(0.0) {
        $0 + Double(up[row * module.rank + $1]) * Double(down[$1 * columns + column])
      }
      return Float(module.scale * sum)
    }
  }

  @Test("leave a text encoder's LoRA beside them as it is")
  func textEncoder() throws {
    let stem = "text_encoder.text_model.encoder.layers.0.mlp.fc1"
    let more = [
      TensorView(name: stem + ".lora_A.weight", shape: [1, 64], (0..<64).map { Float($0) / 64 }),
      TensorView(
        name: stem + ".lora_B.weight", shape: [256, 1], (0..<256).map { Float($0) / 256 }),
    ]
    let conversion = try conversion(adapter(header("pissa"), adding: more))
    let alone = try self.conversion(Self.fixture("pissa"))
    #expect(
      product(of: conversion.adapter.modules[0]) == product(of: alone.adapter.modules[0]))
    let module = try #require(conversion.adapter.textEncoders["text_encoder"]?.modules.first)
    #expect(module.down.floats() == more[0].floats() && module.up.floats() == more[1].floats())
    #expect(module.scale == 1)
  }

  @Test("are the LoRA that PEFT makes of them", arguments: ["pissa", "olora"])
  func plain(name: String) throws {
    let conversion = try conversion(Self.fixture(name))
    try conversion.write()
    #expect(
      conversion.notes.map(\.text) == [
        "the scale 1.5 is only in the header, which ComfyUI and kohya's scripts don't read: they would "
          + "apply 1"
      ])
    #expect(
      conversion.json(isWritten: true)["base_factors"]?.string
        == ["pissa": "PiSSA", "olora": "OLoRA"][name])
    let written = try AdapterFile(opening: conversion.output)
    #expect(written.problems == [])
    let module = try #require(written.adapter().modules.first)
    #expect(module.rank == 8 && module.scale == 1)
    let expected = try SafetensorsFile(opening: Self.fixture(name + "-change"))
    // PEFT takes its first factors out in float32: 96 products of 2^-24, over a distance of a tenth of the values.
    #expect(
      try relativeError(
        product(of: module), expected.tensor(named: "\(Self.path).weight").floats()) < 2e-5)
    let text = try #require(written.metadata("lora_adapter_metadata"))
    let header = try JSONValue(parsing: text)
    #expect(header["transformer.init_lora_weights"]?.string == "gaussian")
    #expect(header["transformer.r"]?.double == 8)
  }

  @Test("get a lower rank where it is asked for")
  func lowered() throws {
    var request = AdapterConversion.Request()
    (request.base, request.rank, request.family) = (Self.base, 3, "flux1")
    let conversion = try AdapterConversion(
      Self.fixture("pissa"), to: folder.path.appending("lora.safetensors"), request)
    #expect(conversion.adapter.ranks == [3])
    let kept = try #require(conversion.ranks?.energyKeptOfAny)
    // Of the eight singular values of the recorded change, 0.517, 0.464, 0.427, 0.418, 0.329, 0.323, 0.306 and 0.280,
    // the first three.
    #expect(abs(kept - 0.5432) < 1e-3)
  }

  @Test("have nothing of their beginning in other names either")
  func otherNames() throws {
    let file = try adapter([("init_lora_weights", "pissa"), ("r", "4"), ("lora_alpha", "6")])
    let conversion = try conversion(file, dialect: "kohya")
    try conversion.write()
    let written = try AdapterFile(opening: conversion.output)
    #expect(written.problems == [] && written.metadata("init_lora_weights") == nil)
    let expected = try SafetensorsFile(opening: Self.fixture("pissa-change"))
    #expect(
      try relativeError(
        product(of: try #require(written.adapter().modules.first)),
        expected.tensor(named: "\(Self.path).weight").floats()) < 2e-5)
  }

  @Test("tell how to do it where they are refused")
  func advice() throws {
    for name in ["pissa", "olora"] {
      expectRefusal(
        AdapterError.self,
        saying: "'glance-convert FILE --base BASE --output LORA' makes a plain LoRA of it with the "
          + "model that it was trained on"
      ) { try conversion(Self.fixture(name), base: nil) }
    }
    for start in ["pissa_niter_16", "corda", "lora_ga", "loftq"] {
      let file = try adapter(header(start))
      for base in [nil, Self.base] {
        expectRefusal(
          AdapterError.self,
          saying:
            "make a plain LoRA of it with the program that trained it (PEFT: save_pretrained with "
        ) { try conversion(file, base: base) }
      }
    }
  }

  @Test("of another base are large, which is said", arguments: ["pissa", "olora"])
  func otherBase(name: String) throws {
    let other = folder.path.appending("other.safetensors")
    let tensors = try SafetensorsFile(
      opening: Self.base.appending("diffusion_pytorch_model.safetensors")
    ).tensors
    let own = try #require(tensors.first { $0.name == "transformer_blocks.0.attn.to_out.0.weight" })
    try writeSafetensors(
      tensors.map { $0.name == Self.path + ".weight" ? own.named($0.name) : $0 }, to: other,
      overwrite: true)
    #expect(
      try conversion(Self.fixture(name), base: other).notes.contains {
        $0.text.hasSuffix("of them: is --base the model that training began with?")
      })
  }

  @Test("need a base of theirs, and a beginning that it tells")
  func refused() throws {
    expectRefusal(
      ConversionError.self,
      saying:
        "--base: for adapters whose first factors were taken out of the base's weights (PiSSA, "
        + "OLoRA)"
    ) { try conversion(Self.fixture("peft-dora")) }
    expectRefusal(
      AlgebraError.self,
      saying: "Qwen-Image, expected the model that an adapter for FLUX.1 began with"
    ) {
      try conversion(
        Self.fixture("pissa"), base: Fixtures.model("tiny-qwen-image").appending("transformer"))
    }
    expectRefusal(
      AlgebraError.self,
      saying: "'\(Self.path)' has the scale -1.5, expected one above 0: none other begins so"
    ) { try conversion(adapter(header("pissa", alpha: -6))) }
    let stacked = folder.path.appending("stacked.safetensors")
    let stem = "double_blocks.0.img_attn.qkv"
    try writeSafetensors(
      [
        TensorView(name: "\(stem).lora_A.weight", shape: [1, 96], (0..<96).map { Float($0) }),
        TensorView(name: "\(stem).lora_B.weight", shape: [288, 1], (0..<288).map { Float($0) }),
      ], metadata: [("init_lora_weights", "pissa")], to: stacked, overwrite: true)
    expectRefusal(
      AlgebraError.self,
      saying:
        "'\(stem)' stacks several modules, expected each by itself: what was taken out of a stacked "
        + "weight isn't taken apart here"
    ) { try conversion(stacked) }
    let lengths = TensorView(
      name: "transformer.\(Self.path).lora_magnitude_vector", shape: [96],
      [Float](repeating: 1, count: 96))
    expectRefusal(AlgebraError.self, saying: "PiSSA with DoRA: what was taken out of the base's") {
      try conversion(adapter(header("pissa"), adding: [lengths]))
    }
  }
}
