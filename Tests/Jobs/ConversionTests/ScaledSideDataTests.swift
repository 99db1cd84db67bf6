import Elements
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What goes with codes besides their scale: notes, markers, factors of inputs, and what config.json says.
@Suite("Side data of eight-bit codes")
struct ScaledSideDataTests {
  private let folder: TemporaryFolder
  private let model = TinyModel(title: "dev", doubleBlocks: 1, singleBlocks: 1)

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> FilePath { folder.path.appending(name + ".safetensors") }

  private func source(_ name: String) throws -> TensorSource {
    try TensorSource(opening: file(name))
  }

  private func bytes(_ name: String, _ text: String) -> TensorView {
    let bytes = Array(text.utf8)
    return unsafe TensorView(
      name: name, dtype: .u8, shape: [bytes.count], copying: bytes.span.bytes)
  }

  private func text(_ source: TensorSource, _ name: String) throws -> String {
    try unsafe source.tensor(named: name).bytes.withUnsafeBytes {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }

  /// Scaled weights of a form, changed.
  private func write(
    _ name: String, _ form: ScaledForm = .generation2, layout: String? = nil,
    metadata: Metadata = [],
    _ change: ([TensorView]) -> [TensorView] = { $0 }
  ) throws {
    try model.write(to: file("plain"))
    defer { folder.remove("plain.safetensors") }
    if let layout {
      try convert(file("plain"), to: file("arranged")) { $0.layout = layout }
    }
    defer { folder.remove("arranged.safetensors") }
    try convert(file(layout == nil ? "plain" : "arranged"), to: file("fresh")) {
      $0.form.scaled = form
    }
    defer { folder.remove("fresh.safetensors") }
    try writeSafetensors(
      change(source("fresh").tensors), metadata: metadata, to: file(name), overwrite: false)
  }

  private static let layer = "double_blocks.0.img_attn.qkv"
  private static let note =
    "{\"format\": \"float8_e4m3fn\", \"full_precision_matrix_mult\": true, \"of_later\": [1, 2]}"

  private func noted(_ views: [TensorView], _ note: String = note) -> [TensorView] {
    views.map { view in
      view.name == Self.layer + ".comfy_quant" ? bytes(view.name, note) : view
    }
  }

  @Test("keeps the header's notes of a model that was wrapped, and of a bundle's component")
  func innerHeaderNotes() throws {
    let note = "{\"format\": \"float8_e4m3fn\", \"full_precision_matrix_mult\": true}"
    func header(_ prefix: String) -> Metadata {
      let layers = "{\"\(prefix)\(Self.layer)\": \(note)}"
      return [("_quantization_metadata", "{\"format_version\": \"1.0\", \"layers\": \(layers)}")]
    }
    func renamed(_ views: [TensorView], _ prefix: String) -> [TensorView] {
      views.filter { !$0.name.hasSuffix(".comfy_quant") }.map { $0.named(prefix + $0.name) }
    }
    try write("wrapped", metadata: header("_orig_mod.")) { renamed($0, "_orig_mod.") }
    try convert(file("wrapped"), to: file("scaled")) { $0.form.scaled = .generation2 }
    #expect(try text(source("scaled"), Self.layer + ".comfy_quant") == note)
    try convert(file("wrapped"), to: file("copy"))
    let copied = try source("copy").metadata.first { $0.key == "_quantization_metadata" }
    let layers = try JSONValue(parsing: #require(copied?.value))["layers"]?.object
    #expect(layers?.members.map(\.key) == [Self.layer])
    let prefix = "text_encoders.t5xxl.transformer."
    try write("bundle", metadata: header(prefix)) { renamed($0, prefix) }
    try convert(file("bundle"), to: file("component")) {
      $0.component = "text_encoder_2"
      $0.form.scaled = .generation2
    }
    #expect(try text(source("component"), Self.layer + ".comfy_quant") == note)
  }

  @Test("isn't needed by plain codes of both types, which are put together without rounding")
  func bothTypes() throws {
    try model.write(to: file("plain"))
    try convert(file("plain"), to: file("apart")) { $0.layout = "diffusers" }
    try writeSafetensors(
      source("apart").tensors.map { view in
        let parts: [(String, DType, UInt8)] = [
          ("to_q", .f8E4M3, 0x39), ("to_k", .f8E5M2, 0x7b), ("to_v", .f8E4M3, 0x01),
        ]
        guard
          let part = parts.first(where: { view.name == "transformer_blocks.0.attn.\($0.0).weight" })
        else { return view }
        let codes = [UInt8](repeating: part.2, count: view.elementCount)
        return unsafe TensorView(
          name: view.name, dtype: part.1, shape: view.shape, copying: codes.span.bytes)
      }, to: file("in"), overwrite: false)
    try convert(file("in"), to: file("out")) { $0.layout = "bfl" }
    let found = try source("out").tensor(named: Self.layer + ".weight")
    #expect(found.dtype == .bf16)
    let count = found.elementCount / 3
    let numbers = found.floats()
    #expect(Set(numbers[..<count]) == [1.125])
    #expect(Set(numbers[count..<2 * count]) == [57344])
    #expect(Set(numbers[(2 * count)...]) == [0x1p-9])
  }

  @Test("of the first form: layers without a scale are named")
  func unscaledLayers() throws {
    func notes(_ name: String) throws -> [String] {
      var request = RewritingRequest(input: file(name), output: file("out"))
      request.layout = "comfyui"
      return try RewritingPlan(request).notes
    }
    try write("whole", .generation1)
    #expect(try notes("whole") == [])
    try write("part", .generation1) { views in
      views.filter { $0.name != "img_in.scale_weight" }.map { view in
        guard view.name == "img_in.weight" else { return view }
        return TensorView(
          name: view.name, shape: view.shape, [Float](repeating: 1, count: view.elementCount))
      }
    }
    #expect(
      try notes("part") == [
        "layers without a scale, which programs for the first form round to eight bits: "
          + "'model.diffusion_model.img_in.weight'; --scaled writes the newest form, whose programs "
          + "don't, and --scaled-form 1 scales them"
      ])
  }

  @Test("keeps notes byte for byte, also where a weight is cut")
  func notes() throws {
    try write("in") { noted($0) }
    try convert(file("in"), to: file("prefixed")) { $0.layout = "comfyui" }
    let prefixed = try source("prefixed")
    #expect(
      try text(prefixed, "model.diffusion_model.\(Self.layer).comfy_quant") == Self.note)
    #expect(
      try text(prefixed, "model.diffusion_model.double_blocks.0.img_mlp.0.comfy_quant")
        == "{\"format\": \"float8_e4m3fn\"}")
    try convert(file("in"), to: file("cut")) { $0.layout = "diffusers" }
    for part in ["to_q", "to_k", "to_v"] {
      #expect(
        try text(source("cut"), "transformer_blocks.0.attn.\(part).comfy_quant") == Self.note)
    }
    // Other codes, the same wishes.
    try convert(file("in"), to: file("e5m2")) {
      $0.form.scaled = .generation2
      $0.form.dtype = .f8E5M2
    }
    #expect(
      try text(source("e5m2"), Self.layer + ".comfy_quant")
        == "{\"format\": \"float8_e5m2\", \"full_precision_matrix_mult\": true, \"of_later\": [1,2]}"
    )
  }

  @Test("keeps notes that stand in the header, under the names of the output")
  func headerNotes() throws {
    let header = "{\"format_version\":\"1.0\",\"layers\":{\"\(Self.layer)\":\(Self.note)}}"
    try write("in", metadata: [("_quantization_metadata", header)]) { views in
      views.filter { !$0.name.hasSuffix(".comfy_quant") }
    }
    try convert(file("in"), to: file("renamed")) { $0.prefix = "p." }
    let renamed = try #require(
      try source("renamed").metadata["_quantization_metadata"])
    let layers = try JSONValue(parsing: renamed)["layers"]
    #expect(layers?["p." + Self.layer]?["full_precision_matrix_mult"] == true)
    try convert(file("in"), to: file("moved")) { $0.layout = "comfyui" }
    let moved = try source("moved")
    #expect(!moved.metadata.contains { $0.key == "_quantization_metadata" })
    let note = try JSONValue(
      parsing: try text(moved, "model.diffusion_model.\(Self.layer).comfy_quant"))
    #expect(try note == JSONValue(parsing: Self.note))
  }

  @Test(
    "carries the wish for full precision from marker to notes and back",
    arguments: [(2, true), (0, false)])
  func markers(count: Int, isFull: Bool) throws {
    try write("in", .generation1) { views in
      views.map { view in
        view.name == "scaled_fp8"
          ? unsafe TensorView(
            name: view.name, dtype: .f8E4M3, shape: [count],
            copying: [UInt8](repeating: 0, count: count).span.bytes) : view
      }
    }
    try convert(file("in"), to: file("new")) { $0.form.scaled = .generation2 }
    let full = isFull ? ", \"full_precision_matrix_mult\": true" : ""
    #expect(
      try text(source("new"), Self.layer + ".comfy_quant")
        == "{\"format\": \"float8_e4m3fn\"\(full)}")
    #expect(try source("new").find("scaled_fp8") == nil)
    try convert(file("new"), to: file("old")) { $0.form.scaled = .generation1 }
    #expect(try source("old").tensor(named: "scaled_fp8").shape == [count])
    // Rearranged, the marker stays as it is.
    try convert(file("in"), to: file("moved")) { $0.layout = "comfyui" }
    #expect(
      try source("moved").tensor(named: "model.diffusion_model.scaled_fp8").shape == [count])
    #expect(try source("moved").find("scaled_fp8") == nil)
  }

  @Test("asks for full precision everywhere where the first form can't ask for it in one layer")
  func mixedWishes() throws {
    try write("in") { noted($0) }
    var request = RewritingRequest(input: file("in"), output: file("old"))
    request.form.scaled = .generation1
    let plan = try RewritingPlan(request)
    #expect(
      plan.notes.contains { $0.contains("'scaled_fp8' asks for full precision in every layer") })
    _ = try plan.write { _ in }
    #expect(try source("old").tensor(named: "scaled_fp8").shape == [2])
  }

  @Test("takes the greatest factor of the inputs of parts that are fused")
  func inputScales() throws {
    let block = "transformer_blocks.0.attn."
    let factors: [String: Float] = ["to_q": 0.01, "to_k": 0.04, "to_v": 0.01]
    try write("in", layout: "diffusers") { views in
      // One scale for all, so that codes are copied.
      views.map { view in
        view.name.hasSuffix(".weight_scale")
          ? TensorView(name: view.name, shape: [], [0.5]) : view
      } + factors.map { TensorView(name: "\(block)\($0).input_scale", shape: [], [$1]) }
    }
    try convert(file("in"), to: file("out")) { $0.layout = "bfl" }
    let found = try source("out").tensor(named: Self.layer + ".input_scale")
    #expect(found.floats() == [0.04] && found.shape == [] && found.dtype == .f32)
    #expect(try source("out").tensor(named: Self.layer + ".weight_scale").floats() == [0.5])
  }

  @Test("leaves nothing but matrices in eight bits, and takes plain codes as they are")
  func plainCodes() throws {
    try model.write(to: file("in"), dtype: .f8E4M3)
    try convert(file("in"), to: file("out")) { $0.form.scaled = .generation2 }
    let (own, found) = (try source("in"), try source("out"))
    for tensor in own.tensors {
      let output = try found.tensor(named: tensor.name)
      let isScaled = tensor.shape.count == 2 && tensor.name.contains("_blocks.")
      #expect(output.dtype == (isScaled ? .f8E4M3 : .bf16), "\(tensor.name)")
      #expect(output.floats() == tensor.floats(), "\(tensor.name)")
      guard isScaled else { continue }
      let scale = String(tensor.name.dropLast(".weight".count)) + ".weight_scale"
      #expect(try found.tensor(named: scale).floats() == [1])
    }
  }

  @Test("scales every linear layer in the first form", arguments: ["bfl", "diffusers"])
  func everyLayer(layout: String) throws {
    try model.write(to: file("in"))
    try convert(file("in"), to: file("out")) {
      $0.layout = layout
      $0.form.scaled = .generation1
    }
    let found = try source("out")
    for tensor in found.tensors where tensor.name.hasSuffix(".weight") && tensor.shape.count == 2 {
      #expect(tensor.dtype == .f8E4M3, "\(tensor.name)")
      #expect(found.find(String(tensor.name.dropLast("weight".count)) + "scale_weight") != nil)
    }
    #expect(try found.tensor(named: "scaled_fp8").shape == [2])
  }

  @Test("stays with codes that are carried along, and goes with those that are widened")
  func bundles() throws {
    let encoder = "text_encoders.t5xxl.transformer."
    let codes = [UInt8](repeating: 0x38, count: 4)
    try model.write(to: file("transformer"), prefix: "model.diffusion_model.")
    let encoderTensors = unsafe [
      TensorView(
        name: encoder + "a.weight", dtype: .f8E4M3, shape: [2, 2], copying: codes.span.bytes),
      TensorView(name: encoder + "a.scale_weight", shape: [], [0.25]),
      TensorView(
        name: encoder + "scaled_fp8", dtype: .f8E4M3, shape: [2],
        copying: [UInt8](repeating: 0, count: 2).span.bytes),
    ]
    try writeSafetensors(
      source("transformer").tensors + encoderTensors, to: file("all"), overwrite: false)
    try convert(file("all"), to: file("plain")) { $0.form.dtype = .bf16 }
    let plain = try source("plain")
    #expect(plain.tensors.map(\.name).filter { $0.hasPrefix(encoder) } == [encoder + "a.weight"])
    // 0x38 is 1.
    #expect(try plain.tensor(named: encoder + "a.weight").floats() == [0.25, 0.25, 0.25, 0.25])
    try convert(file("all"), to: file("kept")) {
      $0.layout = "diffusers"
      $0.unknown = .keep
    }
    for tensor in encoderTensors {
      #expect(try source("kept").tensor(named: tensor.name).dtype == tensor.dtype)
    }
  }

  @Test("keeps what tells ComfyUI how to compute where modules keep their names")
  func preferences() throws {
    let name = "transformer_blocks.0.attn.comfy_attention.config"
    try TinyModel.qwen[0].write(to: file("model"))
    try writeSafetensors(
      source("model").tensors + [bytes(name, "{\"backend\": \"sage\"}")], to: file("in"),
      overwrite: false)
    try convert(file("in"), to: file("out")) { $0.layout = "comfyui" }
    #expect(try text(source("out"), "model.diffusion_model." + name) == "{\"backend\": \"sage\"}")
    var request = RewritingRequest(input: file("in"), output: file("diffusers"))
    request.layout = "diffusers"
    #expect(try RewritingPlan(request).leftOut.map(\.name) == [name])
    try convert(file("in"), to: file("f16")) { $0.form.dtype = .f16 }
    #expect(try text(source("f16"), name) == "{\"backend\": \"sage\"}")
  }

  @Test("says which tensors of types that aren't read stay as they are")
  func otherTypes() throws {
    try model.write(to: file("model"))
    let odd = unsafe TensorView(
      name: "rope.freqs", dtype: .c64, shape: [1],
      copying: [UInt8](repeating: 0, count: 8).span.bytes)
    try writeSafetensors(source("model").tensors + [odd], to: file("in"), overwrite: false)
    var request = RewritingRequest(input: file("in"), output: file("out"))
    request.form.dtype = .f16
    #expect(
      try RewritingPlan(request).notes.contains(
        "of types that are not read, and left as they are: 'rope.freqs'"))
  }
}
