import Checkpoints
import Containers
import Elements
import Files
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Quantised weights, and what the programs that wrote them make of them: recorded by
/// `tools/record-encoding-goldens`, bit for bit.
@Suite("Encodings of other programs")
struct EncodingTests {
  static let names = [
    "comfyui-convrot-w4a4", "comfyui-int8", "comfyui-int8-convrot", "comfyui-mixed",
    "comfyui-mxfp8", "comfyui-nvfp4", "compressed-tensors-fp8", "compressed-tensors-int8",
    "compressed-tensors-mxfp4", "compressed-tensors-mxfp8", "compressed-tensors-nvfp4",
    "transformers-fp8",
  ]

  private let recording: EncodingRecording

  init() throws { recording = try EncodingRecording() }

  @Test("are the numbers that those make of them", arguments: names)
  func numbers(name: String) throws {
    let (file, record) = try recording.opened(name)
    for dtype in [DType.f32, .bf16] {
      let output = recording.path("\(dtype.rawValue).safetensors")
      try convert(file, to: output) { $0.form.dtype = dtype }
      let found = try TensorSource(opening: output)
      let expected = try #require(record["tensors"]?.object)
      #expect(found.tensors.map(\.name).sorted() == expected.members.map(\.key).sorted())
      for member in expected.members {
        let tensor = try found.tensor(named: member.key)
        #expect(tensor.shape == member.value["shape"]?.array?.compactMap(\.integer))
        guard let digest = member.value["sha256"]?[dtype.rawValue]?.string else { continue }
        #expect(
          unsafe SHA256.hexadecimal(of: bytes(of: tensor).span.bytes) == digest,
          "\(member.key) \(dtype)")
      }
    }
    // How far a program's own float32 is from its float64, where it sums in float32: the recorded numbers
    // are the latter, rounded once.
    #expect((record["farthest"]?.double ?? 0) < 0x1p-20)
  }

  @Test("are read row by row and from any column as in one go", arguments: names)
  func parts(name: String) throws {
    let checkpoint = try OpenedCheckpoint(opening: recording.opened(name).file)
    for weight in try checkpoint.parameters().weights {
      let whole = try weight.floats()
      let width = weight.shape[1]
      for row in [0, 1, weight.shape[0] / 2, weight.shape[0] - 1] {
        #expect(
          try weight.rows(row..<row + 1).floats() == Array(whole[row * width..<(row + 1) * width]))
        #expect(try weight.madeRows(row..<row + 1).floats() == weight.rows(row..<row + 1).floats())
      }
      let group = weight.groupLength
      for first in [0, group, width, width * 3 - group] {
        for count in [group, 3 * group, width] where first + count <= whole.count {
          var part = [Float](repeating: 0, count: count)
          var span = part.mutableSpan
          try weight.widen(first..<first + count, into: &span)
          #expect(part == Array(whole[first..<first + count]), "\(first) \(count)")
        }
      }
    }
  }
}

/// Damaged and unusual files: one error each, which says what is amiss.
@Suite("Damaged encodings of other programs")
struct DamagedEncodingTests {
  private let recording: EncodingRecording

  init() throws { recording = try EncodingRecording() }

  private func expectFailure(
    _ name: String, _ text: String, _ change: (TensorView) -> TensorView?,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let file = try recording.changed(name, change)
    let error = #expect(throws: (any Error).self, sourceLocation: location) {
      try convert(file, to: recording.path("out.safetensors")) { $0.form.dtype = .f32 }
    }
    let found = error.map { "\($0)" } ?? ""
    #expect(found.hasPrefix("\(file): \(text)"), "\(found)", sourceLocation: location)
  }

  /// A tensor of a name replaced by bytes, in its own shape or another.
  private func replacing(
    _ name: String, shape: [Int]? = nil, _ change: @escaping (inout [UInt8]) -> Void = { _ in }
  ) -> (TensorView) -> TensorView? {
    { tensor in
      guard tensor.name == name else { return tensor }
      var all = bytes(of: tensor)
      change(&all)
      let shape = shape ?? (tensor.shape.count == 1 ? [all.count] : tensor.shape)
      return unsafe TensorView(
        name: name, dtype: tensor.dtype, shape: shape,
        copying: Array(all.prefix(tensor.dtype.byteCount(shape: shape) ?? 0)).span.bytes)
    }
  }

  private func note(_ layer: String, _ text: String) -> (TensorView) -> TensorView? {
    replacing("\(layer).comfy_quant") { $0 = Array(text.utf8) }
  }

  @Test("lack a scale")
  func missing() throws {
    try expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight' (U8) is stored as ComfyUI nvfp4 (codes without their scale "
        + "'a.weight_scale_2': is the file whole?), whose numbers are not read;",
      { $0.name == "a.weight_scale_2" ? nil : $0 })
    try expectFailure(
      "comfyui-int8",
      "tensor 'b.weight' (I8) is stored as ComfyUI int8 (int8_tensorwise) (codes without their scale "
        + "'b.weight_scale': is the file whole?), whose numbers are not read;",
      { $0.name == "b.weight_scale" ? nil : $0 })
    try expectFailure(
      "compressed-tensors-nvfp4",
      "tensor 'a.weight_packed' (U8) with 'a.weight_scale' is stored in a form not known here, whose "
        + "numbers are not read;",
      { $0.name == "a.weight_global_scale" ? nil : $0 })
  }

  @Test("have scales of other shapes")
  func shapes() throws {
    try expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight_scale' [128, 12] F8_E4M3, expected [256, 12], one for every 1 x 16 elements of "
        + "'a.weight' [200, 144], in parts of 128 x 4",
      replacing("a.weight_scale", shape: [128, 12]))
    try expectFailure(
      "comfyui-mxfp8",
      "tensor 'b.weight_scale' [128, 8] F8_E8M0, expected [128, 12], one for every 1 x 32 elements of "
        + "'b.weight' [8, 288], in parts of 128 x 4",
      replacing("b.weight_scale", shape: [128, 8]))
    try expectFailure(
      "comfyui-int8",
      "tensor 'b.weight_scale' [39, 1] F32, expected one finite factor other than 0, or one for every "
        + "row of 'b.weight' [40, 48]",
      replacing("b.weight_scale", shape: [39, 1]))
    try expectFailure(
      "transformers-fp8",
      "tensor 'a.weight_scale_inv' [2, 2] F32, expected [2, 3], one for every 128 x 128 elements of "
        + "'a.weight' [256, 384]",
      replacing("a.weight_scale_inv", shape: [2, 2]))
    try expectFailure(
      "compressed-tensors-nvfp4",
      "tensor 'a.weight_scale' [24, 4] F8_E4M3, expected [24, 5], one for every 1 x 16 elements of "
        + "'a.weight_packed' [24, 80]",
      replacing("a.weight_scale", shape: [24, 4]))
  }

  @Test("have factors that are none")
  func numbers() throws {
    let nan: [UInt8] = [0, 0, 0xc0, 0x7f]
    try expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight_scale_2' [] F32, expected one finite factor other than 0, or one for every row "
        + "of 'a.weight' [200, 144], found nan",
      replacing("a.weight_scale_2") { $0 = nan })
    try expectFailure(
      "comfyui-int8",
      "tensor 'b.weight_scale' [40, 1] F32, expected one finite factor other than 0, or one for every "
        + "row of 'b.weight' [40, 48], found 0.0",
      replacing("b.weight_scale") { $0.replaceSubrange(8..<12, with: [0, 0, 0, 0]) })
    // Row 33 is in the second place of four, after 16 bytes for each of rows 0 and 1.
    try expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight_scale' holds a factor of nan in row 33 of the weight, expected finite numbers",
      replacing("a.weight_scale") { $0[16 + 4] = 0x7f })
    try expectFailure(
      "comfyui-mxfp8",
      "tensor 'b.weight_scale' holds a factor of nan in row 1 of the weight, expected finite numbers",
      replacing("b.weight_scale") { $0[16] = 255 })
    try expectFailure(
      "transformers-fp8",
      "tensor 'a.weight_scale_inv' holds a factor of nan in row 0 of the weight, expected finite "
        + "numbers",
      replacing("a.weight_scale_inv") { $0.replaceSubrange(0..<4, with: nan) })
  }

  @Test("say of their codes what isn't known")
  func notes() throws {
    let convrot = "{\"format\": \"int8_tensorwise\", \"convrot\": true"
    try expectFailure(
      "comfyui-int8-convrot",
      "tensor 'a.weight' (I8) with 'a.weight_scale' is stored as ComfyUI int8 with rotated inputs "
        + "(int8_tensorwise, convrot) whose 'convrot_groupsize' is 32, expected one of 16, 64, 256, "
        + "1024, whose numbers are not read;",
      note("a", convrot + ", \"convrot_groupsize\": 32}"))
    try expectFailure(
      "comfyui-int8-convrot",
      "tensor 'b.weight' [8, 192] I8, expected rows of whole groups of 256, as ComfyUI int8 with rotated "
        + "inputs (int8_tensorwise, convrot) stores them",
      note("b", convrot + "}"))
    // A rotation that isn't true or false is none that may be left out.
    for note in [note("a", "{\"format\": \"int8_tensorwise\", \"convrot\": 1}")] {
      try expectFailure(
        "comfyui-int8",
        "tensor 'a.weight' (I8) with 'a.weight_scale' is stored as ComfyUI int8 (int8_tensorwise), whose "
          + "numbers are not read;", note)
    }
    try expectFailure(
      "comfyui-nvfp4",
      "tensor 'a.weight' (U8) with 'a.weight_scale_2' is stored as ComfyUI nvfp4, whose numbers are not read;",
      note("a", "{\"format\": \"nvfp4\", \"convrot\": true}"))
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

/// Copies of the recordings.
struct EncodingRecording {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A place beside them.
  func path(_ name: String) -> FilePath { folder.path.appending(name) }

  /// A recording's file, with the config.json that it needs, and what is expected of it.
  func opened(_ name: String) throws -> (file: FilePath, record: JSONValue) {
    let source = Fixtures.folder.appending("encodings")
    let record = try JSONValue(parsing: Fixtures.text(source.appending("\(name).json")))
    try folder.write(
      contents(of: source.appending("\(name).safetensors")), to: "model.safetensors")
    if let configuration = record["quantization_config"] {
      try folder.write(
        Array(JSONValue.object(["quantization_config": configuration]).text().utf8),
        to: "config.json")
    }
    return (path("model.safetensors"), record)
  }

  /// The same with some tensors changed, or left out where nothing comes back.
  func changed(
    _ name: String, _ change: (TensorView) -> TensorView?
  ) throws -> FilePath {
    let file = try opened(name).file
    let source = try TensorSource(opening: file)
    let output = path("diffusion_pytorch_model.safetensors")
    try writeSafetensors(
      source.tensors.compactMap(change), metadata: source.metadata, to: output, overwrite: true)
    return output
  }
}
