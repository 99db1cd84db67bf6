import Checkpoints
import Elements
import Files
import JSON
import SystemPackage
import Tensors
import Testing

/// How layers are stored, told by their notes, types and names.
@Suite("How weights are stored")
struct WeightStorageTests {
  private static func storage(
    _ tensors: [(String, DType, [Int])], note: String? = nil, header: String? = nil,
    configuration: String? = nil
  ) throws -> WeightStorage {
    var views = tensors.map { name, dtype, shape in
      let count = (shape.reduce(1, *) * dtype.bitCount + 7) / 8
      return unsafe TensorView(
        name: name, dtype: dtype, shape: shape,
        copying: [UInt8](repeating: 0, count: count).span.bytes)
    }
    if let note {
      let bytes = Array(note.utf8)
      views.append(
        unsafe TensorView(
          name: "a.b.comfy_quant", dtype: .u8, shape: [bytes.count], copying: bytes.span.bytes))
    }
    let source = try TensorSource(
      path: "x.safetensors", container: .safetensors, files: [], tensors: views,
      metadata: header.map { [("_quantization_metadata", $0)] } ?? [])
    return WeightStorage(
      source,
      configuration: try configuration.map {
        Configuration(file: "config.json", json: try JSONValue(parsing: $0))
      })
  }

  @Test(
    "is told by types and names, the most specific form first", arguments: 0..<storedForms.count)
  func forms(number: Int) throws {
    let (form, isRead, tensors) = storedForms[number]
    let storage = try Self.storage(tensors)
    #expect(storage.forms().map(\.form.name) == [form])
    #expect(storage.layers.map(\.form.isRead) == [isRead])
    let codes = try #require(tensors.first { $0.0 != "scaled_fp8" }?.0)
    #expect(storage.layers[0].weight == codes)
    guard !isRead else { return try storage.requireNumbers(in: "x") }
    let error = #expect(throws: CheckpointError.self) { try storage.requireNumbers(in: "x") }
    let text = "\(try #require(error))"
    #expect(text.hasPrefix("x: tensor '\(codes)' (\(tensors[0].1.rawValue))"), "\(text)")
    let companion = tensors.dropFirst().first { !$0.0.hasSuffix("bias") && $0.0 != "scaled_fp8" }
    if let companion { #expect(text.contains("with '\(companion.0)'"), "\(text)") }
    #expect(text.contains("the model before it was quantised"), "\(text)")
  }

  @Test(
    "is plain where nothing stands beside the weight but what layers have",
    arguments: [
      [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.bias", .f8E4M3, [4])],
      [("a.norm.scale", .f8E4M3, [4])],
      [
        ("a.b.weight", .f8E4M3, [4, 4]), ("a.b_norm.weight", .f32, [4]), ("a.bc.weight", .f32, [4]),
      ],
      [("a.b.weight", .u32, [4, 4]), ("a.b.bias", .f32, [4])],
      [("visual.class_embedding", .bf16, [4]), ("visual.positional_embedding", .f8E4M3, [3, 4])],
      [("n.weight", .f8E5M2, [4]), ("n.running_mean", .f32, [4]), ("n.running_var", .f32, [4])],
      [("a.b.weight", .bf16, [4, 4]), ("a.b.weight_scale", .f32, [])],
      [("a.b.attn.comfy_attention.config", .u8, [9])],
    ] as [[(String, DType, [Int])]])
  func plain(tensors: [(String, DType, [Int])]) throws {
    let storage = try Self.storage(tensors)
    #expect(storage.layers.isEmpty)
    #expect(storage.layerCounts().isEmpty)
    try storage.requireNumbers(in: "x")
  }

  @Test(
    "is what a note says, in a tensor or in the header",
    arguments: [
      ("{\"format\": \"int8_tensorwise\"}", "int8", true),
      ("{\"format\": \"int8_tensorwise\", \"convrot\": true}", "int8-convrot", true),
      ("{\"format\": \"nvfp4\"}", "nvfp4", false), ("{\"format\": \"mxfp8\"}", "mxfp8", false),
      ("{\"format\": \"float7_new\"}", "float7_new", false),
    ])
  func notes(note: String, form: String, isRead: Bool) throws {
    let tensors: [(String, DType, [Int])] = [
      ("a.b.weight", .i8, [4, 4]), ("a.b.weight_scale", .f32, []),
    ]
    #expect(try Self.storage(tensors, note: note).forms().map(\.form.name) == [form])
    // The layer's name may lack what stands before every name.
    let prefixed = tensors.map { ("model.diffusion_model." + $0.0, $0.1, $0.2) }
    let header = "{\"format_version\": \"1.0\", \"layers\": {\"a.b\": \(note)}}"
    #expect(try Self.storage(prefixed, header: header).forms().map(\.form.name) == [form])
    if isRead { return try Self.storage(tensors, note: note).requireNumbers(in: "x") }
    let error = #expect(throws: CheckpointError.self) {
      try Self.storage(tensors, note: note).requireNumbers(in: "x")
    }
    let format = try #require(try JSONValue(parsing: note)["format"]?.string)
    #expect("\(try #require(error))".contains(format))
  }

  @Test("is not known where config.json names a program whose form is not")
  func configuration() throws {
    let scaled: [(String, DType, [Int])] = [
      ("a.b.weight", .f8E4M3, [4, 4]), ("a.b.weight_scale", .f32, []),
    ]
    let plain: [(String, DType, [Int])] = [("a.b.weight", .f8E4M3, [4, 4])]
    func text(_ method: String) -> String {
      "{\"quantization_config\": {\"quant_method\": \"\(method)\"}}"
    }
    try Self.storage(scaled, configuration: text("modelopt")).requireNumbers(in: "x")
    for (tensors, method) in [(scaled, "mine"), (plain, "mine"), (plain, "modelopt")] {
      let error = #expect(throws: CheckpointError.self) {
        try Self.storage(tensors, configuration: text(method)).requireNumbers(in: "x")
      }
      #expect(
        "\(try #require(error))".contains(
          "is stored in a form not known here (config.json has a quantization_config of "
            + "'\(method)')"))
    }
    // A statement about other weights says nothing of plain ones.
    let other = try Self.storage([("a.b.weight", .bf16, [4, 4])], configuration: text("mine"))
    #expect(other.layers.isEmpty)
  }

  @Test("is seen although the bytes of a note aren't at hand")
  func missingNote() throws {
    let tensors = [
      TensorView(name: "a.b.weight", dtype: .f8E4M3, shape: [4, 4], content: NoBytes()),
      TensorView(name: "a.b.weight_scale", dtype: .f32, shape: [], content: NoBytes()),
      TensorView(name: "a.b.comfy_quant", dtype: .u8, shape: [9], content: NoBytes()),
    ]
    let source = try TensorSource(
      path: "x", container: .delta, files: [], tensors: tensors, metadata: [])
    #expect(WeightStorage(source).forms().map(\.form.name) == ["comfyui-scaled-fp8-2"])
  }

  @Test("is counted layer by layer, and each component by itself")
  func counts() throws {
    let prefix = "model.diffusion_model."
    let storage = try Self.storage([
      (prefix + "a.0.weight", .u8, [4, 8]), (prefix + "a.0.weight_scale", .f8E4M3, [128, 4]),
      (prefix + "a.0.weight_scale_2", .f32, []),
      (prefix + "a.1.weight", .u8, [4, 8]), (prefix + "a.1.weight_scale", .f8E4M3, [128, 4]),
      (prefix + "a.1.weight_scale_2", .f32, []),
      (prefix + "a.2.weight", .f8E4M3, [4, 32]), (prefix + "a.2.weight_scale", .f8E8M0, [128, 4]),
      (prefix + "a.3.weight", .bf16, [4, 8]), (prefix + "a.3.bias", .bf16, [4]),
      (prefix + "norm.weight", .bf16, [4]),
      ("text_encoders.t5xxl.transformer.a.weight", .f8E4M3, [4, 4]),
      ("text_encoders.t5xxl.transformer.a.scale_weight", .f32, []),
      ("text_encoders.t5xxl.transformer.scaled_fp8", .f8E4M3, [2]),
    ])
    let own = storage.layerCounts(under: prefix)
    #expect(own.map { "\($0.name) \($0.count)" } == ["nvfp4 2", "mxfp8 1", "BF16 1"])
    let other = storage.layerCounts(under: "text_encoders.t5xxl.transformer.")
    #expect(other.map { "\($0.name) \($0.count)" } == ["comfyui-scaled-fp8-1 1"])
    try storage.requireNumbers(in: "x", under: "text_encoders.")
    let error = #expect(throws: CheckpointError.self) { try storage.requireNumbers(in: "x") }
    #expect(
      "\(try #require(error))".hasPrefix(
        "x: tensor '\(prefix)a.0.weight' (U8) with '\(prefix)a.0.weight_scale' is stored as ComfyUI "
          + "nvfp4, as 1 more are, whose numbers are not read; its bytes can be copied;"))
  }

  @Test("leaves names, shapes and counts of a model as they are without it")
  func description() throws {
    let plain = SyntheticCheckpoint.fluxBFL()
    let plainDescription = CheckpointDescription(tensors: plain)
    // Four bits: two columns in a byte.
    let packed = plain.flatMap { tensor -> [TensorDescription] in
      guard tensor.shape.count == 2, tensor.name.contains("_blocks.") else { return [tensor] }
      let layer = tensor.name.dropLast(".weight".count)
      return [
        TensorDescription(
          name: tensor.name, dtype: .u8, shape: [tensor.shape[0], tensor.shape[1] / 2]),
        TensorDescription(name: layer + ".weight_scale", dtype: .f8E4M3, shape: [128, 4]),
        TensorDescription(name: layer + ".weight_scale_2", dtype: .f32, shape: []),
      ]
    }
    let found = CheckpointDescription(tensors: packed)
    #expect(found.problems == [])
    #expect(found.parameterCount == plainDescription.parameterCount)
    #expect(found.architecture?.dimensions == plainDescription.architecture?.dimensions)
    #expect(found.storage == "ComfyUI nvfp4")
  }

  @Test("hides no family behind names of its own")
  func quanto() throws {
    let plain = SyntheticCheckpoint.fluxDiffusers()
    let packed = plain.flatMap { tensor -> [TensorDescription] in
      guard tensor.shape.count == 2 else { return [tensor] }
      return [
        TensorDescription(name: tensor.name + "._data", dtype: .f8E4M3, shape: tensor.shape),
        TensorDescription(
          name: tensor.name + "._scale", dtype: .bf16, shape: [tensor.shape[0], 1]),
      ]
    }
    let found = CheckpointDescription(tensors: packed)
    #expect(found.family?.name == "flux1")
    #expect(found.storage == "optimum-quanto")
    #expect(found.problems == [])
  }
}

/// Bytes of a difference whose base isn't there.
private struct NoBytes: TensorContent {
  let file: FilePath = "difference"

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    throw FileError.cannotOpen(file: "base", reason: .noSuchFileOrDirectory)
  }
}

/// Layers, and what they are.
private let storedForms: [(form: String, isRead: Bool, tensors: [(String, DType, [Int])])] = [
  (
    "comfyui-scaled-fp8-2", true,
    [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.weight_scale", .f32, [])]
  ),
  (
    "comfyui-scaled-fp8-2", true,
    [
      ("a.b.weight", .f8E5M2, [4, 4]), ("a.b.weight_scale", .bf16, [4, 1]),
      ("a.b.bias", .bf16, [4]),
      ("a.b.input_scale", .f32, []),
    ]
  ),
  (
    "comfyui-scaled-fp8-1", true,
    [
      ("a.b.weight", .f8E4M3, [4, 4]), ("a.b.scale_weight", .f32, []),
      ("a.b.scale_input", .f32, []),
      ("scaled_fp8", .f8E4M3, [0]),
    ]
  ),
  (
    "musubi-scaled-fp8", true,
    [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.scale_weight", .bf16, [4, 1])]
  ),
  (
    "nvfp4", false,
    [
      ("a.b.weight", .u8, [4, 8]), ("a.b.weight_scale", .f8E4M3, [128, 4]),
      ("a.b.weight_scale_2", .f32, []),
    ]
  ),
  ("mxfp8", false, [("a.b.weight", .f8E4M3, [4, 32]), ("a.b.weight_scale", .u8, [128, 4])]),
  ("int8", false, [("a.b.weight", .i8, [4, 4]), ("a.b.weight_scale", .f32, [4, 1])]),
  (
    "nvfp4-compressed-tensors", true,
    [
      ("a.b.weight_packed", .u8, [4, 8]), ("a.b.weight_scale", .f8E4M3, [4, 1]),
      ("a.b.weight_global_scale", .f32, [1]), ("a.b.input_global_scale", .f32, [1]),
    ]
  ),
  (
    "block-fp8", true, [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.weight_scale_inv", .f32, [1, 1])]
  ),
  ("sdnq", false, [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.scale", .f32, [4, 1])]),
  (
    "quanto", true,
    [("a.b.weight._data", .f8E4M3, [4, 4]), ("a.b.weight._scale", .bf16, [4, 1])]
  ),
  (
    "torchao", false,
    [("a.b._weight_qdata", .f8E4M3, [4, 4]), ("a.b._weight_scale", .f32, [4, 1])]
  ),
  (
    "bitsandbytes-nf4", false,
    [
      ("a.b.weight", .u8, [8, 1]), ("a.b.weight.absmax", .f32, [1]),
      ("a.b.weight.quant_state.bitsandbytes__nf4", .u8, [2]),
    ]
  ),
  (
    "quanto-packed", false,
    [("a.b.weight._data._data", .u8, [2, 128]), ("a.b.weight._scale", .bf16, [4, 1])]
  ),
  (
    "bitsandbytes-int8", true,
    [("a.b.weight", .i8, [4, 4]), ("a.b.SCB", .f32, [4]), ("a.b.weight_format", .u8, [])]
  ),
  (
    "sdnq", false,
    [
      ("a.b.weight", .u8, [8]), ("a.b.scale", .f32, [4, 1]), ("a.b.zero_point", .f32, [4, 1]),
      ("a.b.svd_up", .bf16, [4, 2]), ("a.b.svd_down", .bf16, [2, 4]),
    ]
  ),
  ("svdquant", false, [("a.b.qweight", .i8, [4, 2]), ("a.b.wscales", .bf16, [1, 4])]),
  // Of no form that is known: the rule, not the list.
  ("unknown", false, [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.blocks_of_mine", .f32, [4])]),
  ("unknown", false, [("a.b.weight", .i8, [4, 4]), ("a.b.weight_zero_point", .i8, [4])]),
  // Beside a weight or a bias, below them or like them by name.
  (
    "unknown", false,
    [("a.b.weight", .f8E4M3, [4, 4]), ("a.b.weight_quantizer._scale", .f32, [])]
  ),
  ("unknown", false, [("a.b.weight", .i8, [4, 4]), ("a.b_scale", .f32, [])]),
  (
    "unknown", false,
    [("a.b.bias", .f8E4M3, [4]), ("a.b.bias_scale", .f32, []), ("a.b.weight", .bf16, [4, 4])]
  ),
  // Several numbers in one integer.
  (
    "mlx", false,
    [("a.b.weight", .u32, [4, 1]), ("a.b.scales", .f16, [4, 1]), ("a.b.biases", .f16, [4, 1])]
  ),
  ("unknown", false, [("a.b.weight", .i32, [4, 4]), ("a.b.lut", .f16, [16])]),
  ("unknown", false, [("a.b.codes", .i16, [4, 4]), ("a.b.codebooks", .f16, [16])]),
  ("unknown", false, [("a.b.W", .u8, [4, 4]), ("a.b.W_scales", .f32, [4])]),
  (
    "unknown", false,
    [
      ("a.b.weight", .f8E4M3, [4, 4]), ("a.b.weight_scale", .f32, []),
      ("a.b.weight_zero_point", .f32, []),
    ]
  ),
  // Eight-bit codes of a marked component without their scale.
  ("unknown", false, [("a.b.weight", .f8E4M3, [4, 4]), ("scaled_fp8", .f8E4M3, [2])]),
  ("unknown", false, [("a.b.weight", .f8E4M3FNUZ, [4, 4])]),
  ("unknown", false, [("a.b.weight", .f8E8M0, [4, 4])]),
  ("unknown", false, [("a.b.weight", .c64, [4, 4])]),
  ("unknown", false, [("a.b.weight", .u8, [4, 4])]),
]
