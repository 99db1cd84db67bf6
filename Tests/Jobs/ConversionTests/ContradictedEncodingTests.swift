import Elements
import JSON
import Rewriting
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
      "sdnq-int8", [.init(key: "use_hadamard", value: true)],
      "tensor 'a.weight' (I8) is stored as SDNQ (config.json's quantization_config says 'use_hadamard': "
        + "true), as 1 more are, whose numbers are not read;")
    // Four bits of another kind have the same tensors.
    try refuse(
      "sdnq-uint4", [.init(key: "weights_dtype", value: "float4_e2m2fnu")],
      "tensor 'a.weight' (U8) with 'a.scale' is stored as SDNQ, as 2 more are, whose numbers are not read;"
    )
    try refuse(
      "sdnq-uint4",
      [.init(key: "modules_dtype_dict", value: ["uint4": ["a*"], "uint8": ["d"], "int4": ["c"]])],
      "tensor 'a.weight' (U8) with 'a.scale' is stored as SDNQ, as 4 more are, whose numbers are not read;"
    )
    try refuse(
      "bitsandbytes-int8", [.init(key: "quant_method", value: "quanto")],
      "tensor 'a.weight' (I8) is stored in a form not known here (config.json has a quantization_config of "
        + "'quanto'), whose numbers are not read;")
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
    // Weights that are stored for products the other way round.
    try recording.expectFailure(
      "sdnq-int8",
      "tensor 'a.weight' (I8) is stored as SDNQ (with factors [1, 24] that are none of its rows [24, 48]), "
        + "whose numbers are not read;", recording.replacing("a.scale", shape: [1, 24]))
  }

  private func state(_ layer: String, _ text: String) -> (TensorView) -> TensorView? {
    recording.replacing("\(layer).weight.quant_state.bitsandbytes__nf4") { $0 = Array(text.utf8) }
  }
}
