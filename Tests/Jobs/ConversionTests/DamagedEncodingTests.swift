import Checkpoints
import Containers
import Elements
import Inspection
import Rewriting
import Safetensors
import Tensors
import TestSupport
import Testing

/// Damaged and unusual files: one error each, which says what is amiss.
@Suite("Damaged encodings of other programs")
struct DamagedEncodingTests {
  private let recording: EncodingRecording

  init() throws { recording = try EncodingRecording() }

  private func note(_ layer: String, _ text: String) -> (TensorView) -> TensorView? {
    recording.replacing("\(layer).comfy_quant") { $0 = Array(text.utf8) }
  }

  @Test("lack a scale")
  func missing() throws {
    try recording.expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight' (U8) is stored as ComfyUI nvfp4 (codes without their scale "
        + "'a.weight_scale_2': is the file whole?), whose numbers are not read;",
      { $0.name == "a.weight_scale_2" ? nil : $0 })
    try recording.expectFailure(
      "comfyui-int8",
      "tensor 'b.weight' (I8) is stored as ComfyUI int8 (int8_tensorwise) (codes without their scale "
        + "'b.weight_scale': is the file whole?), whose numbers are not read;",
      { $0.name == "b.weight_scale" ? nil : $0 })
    try recording.expectFailure(
      "compressed-tensors-nvfp4",
      "tensor 'a.weight_packed' (U8) with 'a.weight_scale' is stored in a form not known here, whose "
        + "numbers are not read;",
      { $0.name == "a.weight_global_scale" ? nil : $0 })
  }

  @Test("have scales of other shapes")
  func shapes() throws {
    try recording.expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight_scale' [128, 12] F8_E4M3, expected [256, 12], one for every 1 x 16 elements of "
        + "'a.weight' [200, 144], in parts of 128 x 4",
      recording.replacing("a.weight_scale", shape: [128, 12]))
    try recording.expectFailure(
      "comfyui-mxfp8",
      "tensor 'b.weight_scale' [128, 8] F8_E8M0, expected [128, 12], one for every 1 x 32 elements of "
        + "'b.weight' [8, 288], in parts of 128 x 4",
      recording.replacing("b.weight_scale", shape: [128, 8]))
    try recording.expectFailure(
      "comfyui-int8",
      "tensor 'b.weight_scale' [39, 1] F32, expected one finite factor other than 0, or [40, 1], one for "
        + "every row of 'b.weight' [40, 48]",
      recording.replacing("b.weight_scale", shape: [39, 1]))
    try recording.expectFailure(
      "transformers-fp8",
      "tensor 'a.weight_scale_inv' [2, 2] F32, expected [2, 3], one for every 128 x 128 elements of "
        + "'a.weight' [256, 384]",
      recording.replacing("a.weight_scale_inv", shape: [2, 2]))
    try recording.expectFailure(
      "compressed-tensors-nvfp4",
      "tensor 'a.weight_scale' [24, 4] F8_E4M3, expected [24, 5], one for every 1 x 16 elements of "
        + "'a.weight_packed' [24, 80]",
      recording.replacing("a.weight_scale", shape: [24, 4]))
  }

  /// Each has as many factors as it should have, or one for all.
  private static let exchanged: [(recording: String, tensor: String, shape: [Int], text: String)] =
    [
      (
        "comfyui-nvfp4", "a.weight_scale", [12, 256],
        "F8_E4M3, expected [256, 12], one for every 1 x 16 elements of 'a.weight' [200, 144], in parts of 128 x 4"
      ),
      (
        "comfyui-nvfp4", "a.weight_scale", [3072],
        "F8_E4M3, expected [256, 12], one for every 1 x 16 elements of 'a.weight' [200, 144], in parts of 128 x 4"
      ),
      (
        "comfyui-mxfp8", "b.weight_scale", [12, 128],
        "F8_E8M0, expected [128, 12], one for every 1 x 32 elements of 'b.weight' [8, 288], in parts of 128 x 4"
      ),
      (
        "comfyui-int8", "b.weight_scale", [1, 40],
        "F32, expected one finite factor other than 0, or [40, 1], one for every row of 'b.weight' [40, 48]"
      ),
      (
        "modelopt", "a.weight_scale", [5, 24],
        "F8_E4M3, expected [24, 5], one for every 1 x 16 elements of 'a.weight' [24, 80]"
      ),
      (
        "compressed-tensors-nvfp4", "a.weight_scale", [1],
        "F8_E4M3, expected [24, 5], one for every 1 x 16 elements of 'a.weight_packed' [24, 80]"
      ),
      (
        "compressed-tensors-mxfp4", "a.weight_scale", [3, 24],
        "U8, expected [24, 3], one for every 1 x 32 elements of 'a.weight_packed' [24, 96]"
      ),
      (
        "compressed-tensors-mxfp8", "a.weight_scale", [3, 24],
        "U8, expected [24, 3], one for every 1 x 32 elements of 'a.weight' [24, 96]"
      ),
      (
        "bitsandbytes-int8", "a.SCB", [1, 24],
        "F32, expected one finite factor, or [24, 1], one for every row of 'a.weight' [24, 48]"
      ),
      (
        "quanto", "a.weight._scale", [1, 24],
        "BF16, expected one finite factor, or [24, 1], one for every row of 'a.weight._data' [24, 48]"
      ),
      (
        "torchao", "c._weight_scale", [2, 24],
        "F32, expected [24, 2], one for every 1 x 32 elements of 'c._weight_qdata' [24, 64]"
      ),
      (
        "torchao", "c._weight_zero_point", [2, 24],
        "I8, expected [24, 2], one for every 1 x 32 elements of 'c._weight_qdata' [24, 64]"
      ),
      (
        "sdnq-int8", "b.scale", [12, 1, 2],
        "F32, expected one finite factor, or [12, 1], one for every row of 'b.weight' [12, 64], or several"
      ),
      (
        "sdnq-uint4", "b.zero_point", [4, 12, 1],
        "F32, expected one finite factor, or [12, 1], one for every row of 'b.weight' [12, 256], or several"
      ),
    ]

  @Test("have scales with their axes exchanged", arguments: exchanged)
  func axes(_ damage: (recording: String, tensor: String, shape: [Int], text: String)) throws {
    try recording.expectFailure(
      damage.recording, "tensor '\(damage.tensor)' \(damage.shape) \(damage.text)",
      recording.replacing(damage.tensor, shape: damage.shape))
  }

  /// What tells how many rows there are.
  @Test("have codes or scales of SDNQ that are no rows of each other")
  func rows() throws {
    for (tensor, shape, text) in [
      (
        "a.scale", [1, 24],
        "'a.weight' (I8) is stored as SDNQ (with factors [1, 24] that are none of its rows [24, 48])"
      ),
      (
        "b.weight", [12, 32, 2],
        "'b.weight' (I8) is stored as SDNQ (with factors [12, 2, 1] that are none of its rows [12, 32, 2])"
      ),
    ] {
      try recording.expectFailure(
        "sdnq-int8", "tensor \(text), whose numbers are not read;",
        recording.replacing(tensor, shape: shape))
    }
  }

  @Test("have factors that are none")
  func numbers() throws {
    let nan: [UInt8] = [0, 0, 0xc0, 0x7f]
    try recording.expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight_scale_2' [] F32, expected one finite factor, or [200, 1], one for every row "
        + "of 'a.weight' [200, 144], found nan",
      recording.replacing("a.weight_scale_2") { $0 = nan })
    try recording.expectFailure(
      "comfyui-int8",
      "tensor 'b.weight_scale' [40, 1] F32, expected one finite factor other than 0, or [40, 1], one for "
        + "every row of 'b.weight' [40, 48], found 0.0",
      recording.replacing("b.weight_scale") { $0.replaceSubrange(8..<12, with: [0, 0, 0, 0]) })
    // Row 33 is in the second place of four, after 16 bytes for each of rows 0 and 1.
    try recording.expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight_scale' holds a factor of nan in row 33 of the weight, expected finite numbers",
      recording.replacing("a.weight_scale") { $0[16 + 4] = 0x7f })
    try recording.expectFailure(
      "comfyui-mxfp8",
      "tensor 'b.weight_scale' holds a factor of nan in row 1 of the weight, expected finite numbers",
      recording.replacing("b.weight_scale") { $0[16] = 255 })
    try recording.expectFailure(
      "transformers-fp8",
      "tensor 'a.weight_scale_inv' holds a factor of nan in row 0 of the weight, expected finite "
        + "numbers",
      recording.replacing("a.weight_scale_inv") { $0.replaceSubrange(0..<4, with: nan) })
  }

  @Test("say of their codes what isn't known")
  func notes() throws {
    let convrot = "{\"format\": \"int8_tensorwise\", \"convrot\": true"
    try recording.expectFailure(
      "comfyui-int8-convrot",
      "tensor 'a.weight' (I8) with 'a.weight_scale' is stored as ComfyUI int8 with rotated inputs "
        + "(int8_tensorwise, convrot) whose 'convrot_groupsize' is 32, expected one of 16, 64, 256, "
        + "1024, whose numbers are not read;",
      note("a", convrot + ", \"convrot_groupsize\": 32}"))
    try recording.expectFailure(
      "comfyui-int8-convrot",
      "tensor 'b.weight' [8, 192] I8, expected rows of whole groups of 256, as ComfyUI int8 with rotated "
        + "inputs (int8_tensorwise, convrot) stores them",
      note("b", convrot + "}"))
    // A rotation that isn't true or false is none that may be left out.
    for note in [note("a", "{\"format\": \"int8_tensorwise\", \"convrot\": 1}")] {
      try recording.expectFailure(
        "comfyui-int8",
        "tensor 'a.weight' (I8) with 'a.weight_scale' is stored as ComfyUI int8 (int8_tensorwise), whose "
          + "numbers are not read;", note)
    }
    try recording.expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight' (U8) with 'a.weight_scale_2' is stored as ComfyUI nvfp4, whose numbers are not read;",
      note("a", "{\"format\": \"nvfp4\", \"convrot\": true}"))
  }

  @Test("have factors in runs where their program makes none")
  func runs() throws {
    let file = try recording.opened("comfyui-int8").file
    let source = try TensorSource(opening: file)
    let output = recording.path("runs.safetensors")
    try writeSafetensors(
      source.tensors.map { tensor in
        guard tensor.name == "b.weight_scale" else { return tensor }
        return TensorView(name: tensor.name, shape: [40, 6], Array(repeating: 1, count: 240))
      }, to: output, overwrite: false)
    let expected =
      "tensor 'b.weight_scale' [40, 6] F32, expected one finite factor other than 0, or [40, 1], one "
      + "for every row of 'b.weight' [40, 48]"
    let error = #expect(throws: CheckpointError.self) {
      try convert(output, to: recording.path("out.safetensors")) { $0.form.dtype = .f32 }
    }
    #expect("\(try #require(error))" == "\(output): \(expected)")
    let found = try Inspected(of: output).findings
    #expect(found.contains { $0.severity == .error && $0.text == expected }, "\(found)")
  }

  // ComfyUI would take the header's word, others the tensor's.
  @Test("are told one thing by a note, and another by the header")
  func contradictions() throws {
    let source = try TensorSource(opening: recording.opened("comfyui-int8").file)
    let note = "{\"format\": \"int8_tensorwise\", \"convrot\": true, \"convrot_groupsize\": 16}"
    let output = recording.path("both.safetensors")
    try writeSafetensors(
      source.tensors,
      metadata: [("_quantization_metadata", "{\"layers\": {\"a\": \(note)}}")], to: output,
      overwrite: false)
    let error = #expect(throws: CheckpointError.self) {
      try convert(output, to: recording.path("out.safetensors")) { $0.form.dtype = .f32 }
    }
    let text = "\(try #require(error))"
    #expect(
      text.contains(
        "tensor 'a.weight' (I8) is stored in a form not known here (its own note says {"))
    #expect(text.contains("}, the header {"))
  }

  @Test("have something beside them that isn't understood")
  func companions() throws {
    let file = try recording.opened("comfyui-nvfp4").file
    let source = try TensorSource(opening: file)
    let output = recording.path("more.safetensors")
    try writeSafetensors(
      source.tensors + [
        TensorView(name: "a.pre_quant_scale", shape: [144], Array(repeating: 2, count: 144))
      ],
      to: output, overwrite: false)
    let error = #expect(throws: CheckpointError.self) {
      try convert(output, to: recording.path("out.safetensors")) { $0.form.dtype = .f32 }
    }
    let text = "\(try #require(error))"
    #expect(text.contains("tensor 'a.weight' (U8) with 'a."))
    #expect(text.contains("' is stored as ComfyUI nvfp4, whose numbers are not read;"))
  }
}
