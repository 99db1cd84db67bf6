import Adapters
import Checkpoints
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

/// `tools/record-adapter-methods`: `lora-rows` is an adapter of LyCORIS 4.1.3, `lora-rows-peft` the same of PEFT
/// 0.21.2, whose own code gives the weights the same numbers.
@Suite("DoRA, converted")
struct LengthsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func fixture(_ name: String) -> FilePath {
    Fixtures.folder.appending("methods/\(name).safetensors")
  }

  private func converted(
    _ input: FilePath, to dialect: String, _ alpha: AdapterWritingOptions.AlphaPolicy = .bake,
    dtype: DType? = nil, isPartial: Bool = false
  ) throws -> (file: SafetensorsFile, conversion: AdapterConversion) {
    var request = AdapterConversion.Request()
    (request.dialect, request.alpha, request.dtype) = (dialect, alpha, dtype)
    (request.isPartial, request.overwrite, request.family) = (isPartial, true, "flux1")
    let conversion = try AdapterConversion(
      input, to: folder.path.appending("\(dialect).safetensors"), request)
    try conversion.write()
    return (try SafetensorsFile(opening: conversion.output), conversion)
  }

  /// Some tensors of a fixture as a file of their own.
  private func part(
    of name: String, adding more: [TensorView] = [], where isKept: (String) -> Bool = { _ in true }
  ) throws -> FilePath {
    let path = folder.path.appending("part.safetensors")
    let tensors = try SafetensorsFile(opening: Self.fixture(name)).tensors
    try writeSafetensors(
      tensors.filter { isKept($0.name) } + more, to: path, overwrite: true)
    return path
  }

  private func expectSame(_ found: SafetensorsFile, _ expected: SafetensorsFile) throws {
    #expect(found.tensors.map(\.name).sorted() == expected.tensors.map(\.name).sorted())
    for tensor in expected.tensors {
      let own = try found.tensor(named: tensor.name)
      #expect(own.dtype == tensor.dtype && own.shape == tensor.shape, "\(tensor.name)")
      #expect(own.floats().map(\.bitPattern) == tensor.floats().map(\.bitPattern), "\(tensor.name)")
    }
  }

  @Test(
    "of text encoders is theirs in every dialect that has it",
    arguments: ["kohya", "onetrainer"])
  func ofTextEncoders(dialect: String) throws {
    let (found, conversion) = try converted(Self.fixture("encoders"), to: dialect)
    #expect(conversion.notes.map(\.text).filter { $0.contains("left out") } == [])
    var options = AdapterReadingOptions()
    (options.includesTextEncoders, options.otherMethods) = (true, .asLoRAOrAsTheyAre)
    let (before, after) = (
      try Adapter(opening: Self.fixture("encoders"), options),
      try Adapter(opening: found.path, options)
    )
    for component in ["text_encoder", "text_encoder_2"] {
      let (old, new) = (
        try #require(before.textEncoders[component]), try #require(after.textEncoders[component])
      )
      #expect(new.paths.sorted() == old.paths.sorted())
      for (a, b) in zip(old.changes, new.changes) {
        #expect(b.magnitude?.floats() == a.magnitude?.floats() && b.magnitude != nil)
        #expect(b.path == a.path)
      }
      #expect(new.changes.count == old.changes.count)
    }
    #expect(after.textEncoders["text_encoder"]?.changes.count == 1)
  }

  @Test("of text encoders is left out where it has no form, and that is said once")
  func leftOut() throws {
    let (found, conversion) = try converted(
      Self.fixture("encoders"), to: "comfyui", isPartial: true)
    #expect(
      conversion.notes.map(\.text).filter { $0.contains("dora_scale") } == [
        "left out: 1 key of DoRA (dora_scale), such as "
          + "'lora_te1_text_model_encoder_layers_1_mlp_fc1.dora_scale', and the LoRA of its module"
      ])
    #expect(found.tensors.count == 4)
  }

  @Test("stays where something else has no form")
  func besideNorms() throws {
    let norm = "lora_te1_text_model_final_layer_norm"
    let file = try part(
      of: "encoders",
      adding: [TensorView(name: norm + ".diff", shape: [64], [Float](repeating: 1, count: 64))])
    let (found, conversion) = try converted(file, to: "kohya", isPartial: true)
    #expect(found.tensors.contains { $0.name.hasSuffix("layers_1_mlp_fc1.dora_scale") })
    #expect(!found.tensors.contains { $0.name.hasPrefix(norm) })
    #expect(
      conversion.notes.map(\.text).filter { $0.hasPrefix("left out") } == [
        "left out: full differences of '\(norm)', for which dialect 'kohya' has no form"
      ])
  }

  /// PEFT's `use_dora` is for every module of a component.
  @Test("of one of a text encoder's modules is none of PEFT's")
  func ofOneModule() throws {
    expectRefusal(
      AdapterError.self,
      saying: "DoRA of dialect 'diffusers' is for every module of a file, and "
        + "'text_encoder.text_model.encoder.layers.0.self_attn.q_proj' has no lengths"
    ) { try converted(Self.fixture("encoders"), to: "diffusers") }
    let alone = try part(of: "encoders") { $0.contains("layers_1_mlp_fc1") }
    let (found, _) = try converted(alone, to: "diffusers")
    let module = "text_encoder.text_model.encoder.layers.1.mlp.fc1"
    #expect(
      found.tensors.map(\.name).sorted() == [
        "\(module).lora_A.weight", "\(module).lora_B.weight", "\(module).lora_magnitude_vector",
      ])
    let header = try JSONValue(parsing: try #require(found.metadata["lora_adapter_metadata"]))
    #expect(header["text_encoder.use_dora"]?.bool == true)
  }

  @Test("of LyCORIS becomes PEFT's, byte for byte")
  func toPEFT() throws {
    let (found, conversion) = try converted(Self.fixture("lora-rows"), to: "diffusers", .metadata)
    try expectSame(found, SafetensorsFile(opening: Self.fixture("lora-rows-peft")))
    let header = try JSONValue(parsing: try #require(found.metadata["lora_adapter_metadata"]))
    #expect(header["transformer.use_dora"]?.bool == true)
    #expect(header["transformer.r"]?.double == 4 && header["transformer.lora_alpha"]?.double == 2)
    #expect(conversion.json(isWritten: true)["modules"]?.double == 3)
    #expect(conversion.json(isWritten: true)["dora"]?.bool == true)
  }

  @Test("of PEFT becomes LyCORIS', byte for byte")
  func toLyCORIS() throws {
    let (found, conversion) = try converted(Self.fixture("lora-rows-peft"), to: "kohya", .tensor)
    try expectSame(found, SafetensorsFile(opening: Self.fixture("lora-rows")))
    #expect(found.metadata["lora_adapter_metadata"] == nil)
    #expect(
      conversion.notes.map(\.text).contains(
        "DoRA (dora_scale) is for LyCORIS and OneTrainer: kohya's scripts leave it out, and ComfyUI "
          + "divides rows by the length that they have in the base; a bake is what was trained everywhere"
      ))
  }

  @Test(
    "gives the base what its own library gives it",
    arguments: [
      ("lora-rows", "diffusers", "lora-rows"), ("lora-rows", "onetrainer", "lora-rows"),
      ("lora-rows-peft", "kohya", "lora-rows"), ("peft-dora", "kohya", "peft-dora"),
      ("lora-columns", "kohya", "lora-columns"), ("lokr-rows", "diffusers", "lokr-rows"),
      ("lokr-rows", "onetrainer", "lokr-rows"),
    ])
  func baked(name: String, dialect: String, change: String) throws {
    let (_, conversion) = try converted(Self.fixture(name), to: dialect)
    let base = Fixtures.model("tiny-flux").appending("transformer")
    var request = BakeRequest(
      base: base, output: folder.path.appending("baked.safetensors"),
      adapters: try MergedAdapter.adapters(
        in: conversion.output, phase: nil, strength: 1, isPartial: false, otherMethods: .asTheyAre
      ).adapters)
    request.form.dtype = .f32
    let baked = try SafetensorsFile(opening: try Bake(request).write { _ in }.output)
    let plain = try TensorSource(openingAny: base)
    for tensor in try SafetensorsFile(opening: Self.fixture(change + "-change")).tensors {
      let (after, before) = (
        try baked.tensor(named: tensor.name).floats(),
        try #require(plain.find(tensor.name)).floats()
      )
      // Sums in float32 of weights below 1 and changes of a hundredth of them: 2^-24 / 1e-2.
      #expect(relativeError(zip(after, before).map { $0 - $1 }, tensor.floats()) < 1e-5)
    }
  }

  @Test("with lengths of columns stays with the modules that they run over")
  func columns() throws {
    let (found, _) = try converted(Self.fixture("lora-columns"), to: "kohya", .tensor)
    try expectSame(found, SafetensorsFile(opening: Self.fixture("lora-columns")))
    let stem = "lora_unet_double_blocks_0_img_attn_qkv"
    expectRefusal(
      AdapterError.self,
      saying: "not written: '\(stem)' has lengths of columns ([1, 96]), and DoRA of dialect "
        + "'diffusers' only those of rows"
    ) { try converted(Self.fixture("lora-columns"), to: "diffusers") }
    expectRefusal(
      AdapterError.self,
      saying: "not written: '\(stem)' has lengths of columns ([1, 96]) that run over 288 rows, and "
        + "'lora_transformer_transformer_blocks_0_attn_to_q' of dialect 'onetrainer' has 96 of them"
    ) { try converted(Self.fixture("lora-columns"), to: "onetrainer") }
    // Without them nothing is left.
    expectRefusal(AdapterError.self, saying: "DoRA of dialect 'diffusers' only those of rows") {
      try converted(Self.fixture("lora-columns"), to: "diffusers", isPartial: true)
    }
  }

  @Test("isn't fused with modules whose lengths would be the base's own")
  func fused() throws {
    let file = try part(of: "lora-rows-peft") { !$0.contains("to_k") }
    expectRefusal(
      AdapterError.self,
      saying: "'lora_unet_double_blocks_0_img_attn_qkv' of dialect 'kohya' fuses modules of which "
        + "some have no lengths: these would be the base's own, which the adapter doesn't have"
    ) { try converted(file, to: "kohya") }
    #expect(try converted(file, to: "onetrainer").file.tensors.count == 2 * 4)
  }

  @Test("beside a plain LoRA has no form in PEFT's names, where it is for every module")
  func mixed() throws {
    let path = "transformer.single_transformer_blocks.0.attn.to_q"
    let plain = [
      TensorView(name: "\(path).lora_A.weight", shape: [1, 96], (0..<96).map { Float($0) }),
      TensorView(name: "\(path).lora_B.weight", shape: [96, 1], (0..<96).map { Float($0) }),
    ]
    let file = try part(of: "lora-rows-peft", adding: plain)
    expectRefusal(
      AdapterError.self,
      saying:
        "DoRA of dialect 'diffusers' is for every module of a file, and '\(path)' has no lengths"
    ) { try converted(file, to: "diffusers") }
    let (found, _) = try converted(file, to: "onetrainer")
    #expect(found.tensors.count { $0.name.hasSuffix(".dora_scale") } == 3)
    #expect(found.tensors.count { $0.name.hasSuffix(".alpha") } == 4)
    // The plain one alone.
    let (left, conversion) = try converted(file, to: "diffusers", isPartial: true)
    #expect(left.tensors.count == 2)
    #expect(conversion.notes.contains { $0.text.contains("and the LoRA of its 3 modules") })
  }

  @Test("says what is missing where its modules are two families'")
  func family() throws {
    var request = AdapterConversion.Request()
    request.dialect = "kohya"
    expectRefusal(
      AdapterError.self,
      saying:
        "not written: dialect 'kohya' has other names for each family, and the adapter's modules are "
        + "those of FLUX.1 and of Qwen-Image; say what it is for: --family flux1 or --family qwen-image"
    ) {
      try AdapterConversion(
        Self.fixture("lora-rows-peft"), to: folder.path.appending("x.safetensors"), request)
    }
  }

  @Test("has no form in PEFT's names with a bias of its modules")
  func bias() throws {
    let path = "transformer_blocks.0.attn.to_q"
    let file = try part(
      of: "lora-rows-peft",
      adding: [
        TensorView(name: "transformer.\(path).lora_B.bias", shape: [96], (0..<96).map { Float($0) })
      ])
    expectRefusal(
      AdapterError.self,
      saying: "dialect 'diffusers' has no form for both DoRA and the bias of '\(path)'"
    ) { try converted(file, to: "diffusers") }
  }

  @Test("exchanges the halves of the last modulation's lengths, and rounds none of them")
  func halves() throws {
    let stem = "lora_unet_final_layer_adaLN_modulation_1"
    let file = folder.path.appending("halves.safetensors")
    let rows = (0..<192).map { 1 + Float($0) / 1024 }
    try writeSafetensors(
      [
        TensorView(name: "\(stem).lora_down.weight", shape: [1, 96], (0..<96).map { Float($0) }),
        TensorView(name: "\(stem).lora_up.weight", shape: [192, 1], (0..<192).map { Float($0) }),
        TensorView(name: "\(stem).dora_scale", shape: [192, 1], rows),
      ], to: file, overwrite: true)
    let (found, conversion) = try converted(file, to: "diffusers", dtype: .bf16)
    let lengths = try found.tensor(
      named: "transformer.norm_out.linear.lora_magnitude_vector")
    #expect(lengths.dtype == .f32 && lengths.shape == [192])
    #expect(lengths.floats() == Array(rows[96...] + rows[..<96]))
    #expect(try found.tensor(named: "transformer.norm_out.linear.lora_B.weight").dtype == .bf16)
    let (back, _) = try converted(conversion.output, to: "kohya")
    #expect(try back.tensor(named: "\(stem).dora_scale").floats() == rows)
  }

  @Test("that was fused by a diagonal is taken apart again")
  func diagonal() throws {
    // As three modules of ranks of their own are fused: A's stacked, B's on the diagonal.
    let (fused, peft) = (
      folder.path.appending("fused.safetensors"), folder.path.appending("three.safetensors")
    )
    var tensors: [TensorView] = []
    for (number, part) in ["q", "k", "v"].enumerated() {
      let stem = "transformer.transformer_blocks.0.attn.to_\(part).lora_"
      func numbers(_ count: Int, _ step: Int) -> [Float] {
        (0..<count).map { 1 + Float(($0 * 7 + step) % 31) / 32 }
      }
      let rank = number + 1
      tensors.append(
        TensorView(name: stem + "A.weight", shape: [rank, 96], numbers(96 * rank, number)))
      tensors.append(
        TensorView(name: stem + "B.weight", shape: [96, rank], numbers(96 * rank, 5 + number)))
      tensors.append(
        TensorView(name: stem + "magnitude_vector", shape: [96], numbers(96, 9 + number)))
    }
    try writeSafetensors(tensors, to: peft, overwrite: true)
    let (whole, conversion) = try converted(peft, to: "kohya")
    #expect(
      try whole.tensor(named: "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight").shape
        == [288, 6])
    try writeSafetensors(
      SafetensorsFile(opening: conversion.output).tensors, to: fused, overwrite: true)
    try expectSame(converted(fused, to: "diffusers").file, SafetensorsFile(opening: peft))
  }
}
