import Checkpoints
import Elements
import Files
import JSON
import Rewriting
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files whose own statements, or config.json, don't go with their codes.
@Suite("Encodings of other programs that are contradicted")
struct ContradictedEncodingTests {
  private let recording: EncodingRecording

  init() throws { recording = try EncodingRecording() }

  @Test("are described otherwise by config.json")
  func statements() throws {
    func refuse(
      _ name: String, _ changes: [JSONObject.Member], _ text: String,
      _ location: SourceLocation = #_sourceLocation
    ) throws {
      let file = try recording.opened(name, saying: changes).file
      let error = #expect(throws: (any Error).self, sourceLocation: location) {
        try convert(file, to: recording.path("out.safetensors")) { $0.form.dtype = .f32 }
      }
      let found = error.map { "\($0)" } ?? ""
      #expect(found.hasPrefix("\(file): \(text)"), "\(found)", sourceLocation: location)
    }
    try refuse(
      "transformers-fp8", [.init(key: "weight_block_size", value: [64, 128])],
      "tensor 'a.weight_scale_inv' [2, 3] F32, expected [4, 3], one for every 64 x 128 elements of "
        + "'a.weight' [256, 384]")
    try refuse(
      "transformers-fp8", [.init(key: "weight_block_size", value: [128])],
      "tensor 'a.weight' (F8_E4M3) is stored as fp8 with block scales (transformers) (whose "
        + "'weight_block_size' is [128], expected rows and columns), as 1 more are, whose numbers are not "
        + "read;")
    try refuse(
      "transformers-fp8", [.init(key: "weight_block_size", value: .null)],
      "tensor 'a.weight_scale_inv' [2, 3] F32, expected one finite factor other than 0, or [256, 1], one "
        + "for every row of 'a.weight' [256, 384]")
    let transforms: JSONValue = ["config_groups": ["R1": ["type": "hadamard"]]]
    try refuse(
      "compressed-tensors-fp8", [.init(key: "transform_config", value: transforms)],
      "tensor 'a.weight' (F8_E4M3) is stored as compressed-tensors FP8 (config.json's "
        + "quantization_config says 'transform_config': \(transforms.text())), as 2 more are, whose numbers "
        + "are not read;")
    try refuse(
      "sdnq-int8", [.init(key: "use_codebook", value: true)],
      "tensor 'a.weight' (I8) is stored as SDNQ (config.json's quantization_config says 'use_codebook': "
        + "true), as 1 more are, whose numbers are not read;")
    // What may name a layer with matrices of n x n.
    try refuse(
      "sdnq-products-svd", [.init(key: "modules_to_not_use_matmul", value: ["a*"])],
      "tensor 'a.svd_up' [32, 32] BF16, expected to be told by config.json which way it and 'a.svd_down' "
        + "[32, 32] stand")
    try refuse(
      "sdnq-hadamard", [.init(key: "hadamard_group_size", value: "256")],
      "tensor 'c.weight' (F8_E4M3) is stored as SDNQ (whose 'hadamard_group_size' is \"256\", expected a power of "
        + "two up to 4096), as 2 more are, whose numbers are not read;")
    // More are turned together than are read at once.
    try refuse(
      "sdnq-hadamard", [.init(key: "hadamard_group_size", value: 65536)],
      "tensor 'c.weight' (F8_E4M3) is stored as SDNQ (whose 'hadamard_group_size' is 65536, expected a power of "
        + "two up to 4096), as 2 more are, whose numbers are not read;")
    // Four bits of another kind have the same tensors.
    try refuse(
      "sdnq-uint4", [.init(key: "weights_dtype", value: "float4_e2m2fnu")],
      "tensor 'a.weight' (U8) is stored as SDNQ (config.json's quantization_config says 'weights_dtype': "
        + "\"float4_e2m2fnu\"), as 2 more are, whose numbers are not read;"
    )
    try refuse(
      "sdnq-uint4",
      [.init(key: "modules_dtype_dict", value: ["uint4": ["a*"], "uint8": ["d"], "int4": ["c"]])],
      "tensor 'a.weight' (U8) is stored as SDNQ (config.json's quantization_config doesn't say which "
        + "'weights_dtype' it has), as 4 more are, whose numbers are not read;"
    )
    // Types that tell by themselves what the codes are.
    try refuse(
      "sdnq-int8", [.init(key: "weights_dtype", value: "uint4")],
      "tensor 'a.weight' (I8) is stored as SDNQ (config.json's quantization_config says 'weights_dtype': "
        + "\"uint4\"), as 1 more are, whose numbers are not read;")
    try refuse(
      "sdnq-float8", [.init(key: "weights_dtype", value: "float8_e5m2")],
      "tensor 'a.weight' (F8_E4M3) is stored as SDNQ (config.json's quantization_config says "
        + "'weights_dtype': \"float8_e5m2\"), as 1 more are, whose numbers are not read;")
    try refuse(
      "quanto", [.init(key: "weights_dtype", value: "int8")],
      "tensor 'a.weight._data' (F8_E4M3) is stored as optimum-quanto (config.json's quantization_config says "
        + "'weights_dtype': \"int8\"), as 1 more are, whose numbers are not read;")
    try refuse(
      "quanto-packed", [.init(key: "weights", value: "float8")],
      "tensor 'a.weight._data._data' (U8) is stored as optimum-quanto, four or two bits (config.json's "
        + "quantization_config says 'weights': \"float8\"), as 4 more are, whose numbers are not read;"
    )
    try refuse(
      "bitsandbytes-int8", [.init(key: "quant_method", value: "quanto")],
      "tensor 'a.weight' (I8) is stored in a form not known here (config.json has a quantization_config of "
        + "'quanto'), whose numbers are not read;")
  }

  @Test("have tiles that config.json has otherwise")
  func tiles() throws {
    func groups(of all: (structure: JSONValue, targets: [JSONValue])...) -> [JSONObject.Member] {
      let groups = all.enumerated().map { number, group in
        JSONObject.Member(
          key: "group_\(number)",
          value: [
            "weights": ["block_structure": group.structure], "targets": .array(group.targets),
          ])
      }
      return [.init(key: "config_groups", value: .object(JSONObject(groups)))]
    }
    func groups(_ structures: JSONValue...) -> [JSONObject.Member] {
      switch structures.count {
      case 1: groups(of: (structures[0], ["Linear"]))
      default: groups(of: (structures[0], ["Linear"]), (structures[1], ["Conv2d"]))
      }
    }
    func refuse(
      _ changes: [JSONObject.Member], _ text: String,
      _ location: SourceLocation = #_sourceLocation
    ) throws {
      let file = try recording.opened("compressed-tensors-fp8-tiles", saying: changes).file
      let error = #expect(throws: (any Error).self, sourceLocation: location) {
        try convert(file, to: recording.path("out.safetensors")) { $0.form.dtype = .f32 }
      }
      let found = error.map { "\($0)" } ?? ""
      #expect(found.hasPrefix("\(file): \(text)"), "\(found)", sourceLocation: location)
    }
    try refuse(
      groups([32, 32]),
      "tensor 'a.weight_scale' [3, 3] F32, expected [2, 3], one for every 32 x 32 elements of 'a.weight' "
        + "[40, 72]")
    try refuse(
      groups(.null),
      "tensor 'a.weight_scale' [3, 3] F32, expected one finite factor other than 0, or [40, 1], one for "
        + "every row of 'a.weight' [40, 72]")
    try refuse(
      groups([16, 32], [128, 128]),
      "tensor 'a.weight' (F8_E4M3) is stored as compressed-tensors FP8 (whose 'block_structure' is one of "
        + "[128,128] and [16,32], and the targets of these groups don't tell which), as 1 more are, whose "
        + "numbers are not read;")
    try refuse(
      groups(of: ([16, 32], ["Linear"]), ([128, 128], ["re:b(?=x)"])),
      "tensor 'a.weight' (F8_E4M3) is stored as compressed-tensors FP8 (whose 'block_structure' is one of "
        + "[128,128] and [16,32], and the targets of these groups don't tell which), as 1 more are, whose "
        + "numbers are not read;")
    try refuse(
      groups(of: ([16, 32], ["Linear"]), ([128, 128], ["a"])),
      "tensor 'a.weight_scale' [3, 3] F32, expected [1, 1], one for every 128 x 128 elements of 'a.weight' "
        + "[40, 72]")
    let expected = try numbers(of: recording.opened("compressed-tensors-fp8-tiles").file)
    for changes in [
      groups(of: ([128, 128], ["Linear"]), ([16, 32], ["a", "re:(b|c)$"])),
      groups(of: ([16, 32], ["Linear"]), ([128, 128], ["re:.+a", "proj_out", "re:ab"])),
      groups(
        of: ([128, 128], ["re:.*"]), ([16, 32], ["re:(a|b)"]), (.null, ["a", "b"]),
        ([16, 32], ["a", "b"])),
    ] {
      let file = try recording.opened("compressed-tensors-fp8-tiles", saying: changes).file
      #expect(try numbers(of: file) == expected)
    }
    try refuse(
      groups([16]),
      "tensor 'a.weight' (F8_E4M3) is stored as compressed-tensors FP8 (whose 'block_structure' is [16], "
        + "expected rows and columns), as 1 more are, whose numbers are not read;")
  }

  /// SDNQ writes what it says into a file of its own, which config.json may repeat.
  @Test("are described in quantization_config.json")
  func beside() throws {
    let (file, record) = try recording.opened("sdnq-uint4")
    let said = try #require(record["quantization_config"]?.object)
    let expected = try numbers(of: file)
    func write(_ name: String, _ object: JSONObject) throws {
      try recording.write(Array(JSONValue.object(object).text().utf8), to: name)
    }
    try write("quantization_config.json", said)
    #expect(try numbers(of: file) == expected)
    try write("config.json", [:])
    #expect(try numbers(of: file) == expected)
    // What a name asks for at least.
    var other = said
    other["modules_dtype_dict"] = ["int4": ["c"], "minimum_2bit": ["d"], "minimum_uint8": ["d"]]
    try write("quantization_config.json", other)
    #expect(try numbers(of: file) == expected)
    func refuse(_ text: String, _ location: SourceLocation = #_sourceLocation) {
      let error = #expect(throws: (any Error).self, sourceLocation: location) {
        try numbers(of: file)
      }
      let found = error.map { "\($0)" } ?? ""
      #expect(found.hasPrefix("\(file): \(text)"), "\(found)", sourceLocation: location)
    }
    other["use_codebook"] = true
    try write("quantization_config.json", other)
    refuse(
      "tensor 'a.weight' (U8) is stored as SDNQ (quantization_config.json says 'use_codebook': true), as 4 "
        + "more are, whose numbers are not read;")
    try write("quantization_config.json", ["quant_method": "mine"])
    refuse(
      "tensor 'a.weight' (U8) with 'a.scale' is stored as SDNQ, as 4 more are, whose numbers are not read;"
    )
    other = said
    other["weights_dtype"] = "uint8"
    try write("config.json", ["quantization_config": .object(said)])
    try write("quantization_config.json", other)
    refuse(
      "tensor 'a.weight' (U8) is stored as SDNQ (config.json says 'weights_dtype': \"uint4\", "
        + "quantization_config.json \"uint8\"), as 4 more are, whose numbers are not read;")
  }

  /// Every number, by the tensor's name.
  private func numbers(of file: FilePath) throws -> [String: [Float]] {
    let found = try OpenedCheckpoint(opening: file).parameters()
    return try Dictionary(
      uniqueKeysWithValues: zip(found.names, found.weights.map { try $0.floats() }))
  }

  @Test("contradict what is known of their codes")
  func repeated() throws {
    try recording.expectFailure(
      "bitsandbytes-nf4",
      "tensor 'a.weight.quant_map' [16] F32, expected the numbers of NF4",
      recording.replacing("a.weight.quant_map", shape: [16]) { $0[0] ^= 1 })
    try recording.expectFailure(
      "bitsandbytes-int8", "tensor 'a.weight_format' [] U8, expected 0",
      recording.replacing("a.weight_format") { $0[0] = 1 })
    try recording.expectFailure(
      "bitsandbytes-nf4",
      "tensor 'a.weight' [768, 1] U8, expected codes of the elements of [24, 62]",
      state("a", "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"shape\": [24, 62]}"))
    try recording.expectFailure(
      "bitsandbytes-nf4",
      "tensor 'a.weight.absmax' [24] F32, expected [12], one for every 128 elements of 'a.weight' [24, 64]",
      state("a", "{\"quant_type\": \"nf4\", \"blocksize\": 128, \"shape\": [24, 64]}"))
    try recording.expectFailure(
      "bitsandbytes-nf4",
      "tensor 'a.weight' (U8) is stored as bitsandbytes NF4 (without the shape of the weight), whose "
        + "numbers are not read;", state("a", "{\"quant_type\": \"nf4\", \"blocksize\": 64}"))
    try recording.expectFailure(
      "bitsandbytes-nf4",
      "tensor 'c.weight' (U8) is stored as bitsandbytes NF4 (without 'nested_blocksize' and "
        + "'nested_offset' of its factors), whose numbers are not read;",
      state("c", "{\"quant_type\": \"nf4\", \"blocksize\": 64, \"shape\": [72, 256]}"))
    try recording.expectFailure(
      "torchao-asymmetric",
      "tensor 'a._weight_zero_point' [23, 1] I8, expected [24, 1], one for every 1 x 64 elements of "
        + "'a._weight_qdata' [24, 64]", recording.replacing("a._weight_zero_point", shape: [23, 1]))
    try recording.expectFailure(
      "sdnq-svd",
      "tensor 'a.weight' (U8) is stored as SDNQ (with one of 'svd_up' and 'svd_down', which go together), "
        + "whose numbers are not read;", { $0.name == "a.svd_down" ? nil : $0 })
    try recording.expectFailure(
      "sdnq-svd",
      "tensor 'a.svd_up' [4, 24] BF16, expected [24] rows of numbers, and 'a.svd_down' [4, 96] columns of as "
        + "many for [96]", recording.replacing("a.svd_up", shape: [4, 24]))
    try recording.expectFailure(
      "sdnq-svd",
      "tensor 'a.weight' with its factors has no finite numbers in row 0",
      recording.replacing("a.svd_up") { $0.replaceSubrange(0..<2, with: [0xc0, 0x7f]) })
    try recording.expectFailure(
      "quanto-packed",
      "tensor 'a.weight._data._data' (U8) is stored as optimum-quanto, four or two bits (without a bias, "
        + "and of no model that is known, which would tell how many rows it has), whose numbers are not read;",
      { $0.name == "a.bias" ? nil : $0 })
    try recording.expectFailure(
      "quanto-packed",
      "tensor 'b.weight._data._data' (U8) is stored as optimum-quanto, four or two bits (with 19 factors for "
        + "codes [11, 96], which are no planes of four or two bits for 21 rows), whose numbers are not read;",
      recording.replacing("b.weight._scale", shape: [19, 1]))
    // Weights that are stored for products the other way round.
    try recording.expectFailure(
      "sdnq-products",
      "tensor 'a.weight' (I8) is stored as SDNQ (with factors [1, 47] that are none of its rows [64, 48]), "
        + "whose numbers are not read;", recording.replacing("a.scale", shape: [1, 47]))
    try recording.expectFailure(
      "sdnq-products",
      "tensor 'b.zero_point' [1, 31] F32, expected one finite factor, or [32, 1], one for every row of "
        + "'b.weight' [32, 96], or several", recording.replacing("b.zero_point", shape: [1, 31]))
    try recording.expectFailure(
      "sdnq-int8",
      "tensor 'a.weight' (I8) is stored as SDNQ (with factors [1, 24] that are none of its rows [24, 48]), "
        + "whose numbers are not read;", recording.replacing("a.scale", shape: [1, 24]))
  }

  private func state(_ layer: String, _ text: String) -> (TensorView) -> TensorView? {
    recording.replacing("\(layer).weight.quant_state.bitsandbytes__nf4") { $0 = Array(text.utf8) }
  }
}
