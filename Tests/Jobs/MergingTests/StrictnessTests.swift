import Adapters
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Merging what doesn't fit")
struct StrictnessTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)
  private let plain: FilePath

  init() throws {
    folder = try TemporaryFolder()
    plain = try model.write(to: folder.path.appending("base.safetensors"))
  }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  /// An adapter of modules with these sizes, of one number.
  private func adapter(
    _ modules: [(path: String, out: Int, columns: Int)], value: Float = 0.01,
    more: [TensorView] = []
  ) throws -> FilePath {
    let tensors = modules.flatMap { module in
      [
        TensorView(
          name: "transformer.\(module.path).lora_A.weight", shape: [2, module.columns],
          Array(repeating: value, count: 2 * module.columns)),
        TensorView(
          name: "transformer.\(module.path).lora_B.weight", shape: [module.out, 2],
          Array(repeating: value, count: 2 * module.out)),
      ]
    }
    let file = path("adapter-\(folder.entries.count).safetensors")
    try writeSafetensors(tensors + more, to: file, overwrite: false)
    return file
  }

  private func merge(
    _ adapter: FilePath, strength: Double = 1, _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> BakeResult {
    var request = BakeRequest(base: plain, output: path("merged.safetensors"), adapters: [])
    change(&request)
    request.adapters = try MergedAdapter.adapters(
      in: adapter, phase: nil, strength: strength, isPartial: request.isPartial
    ).adapters
    return try Bake(request).write { _ in }
  }

  /// The refusal's text; nothing is left behind.
  private func refusal(
    _ adapter: FilePath, strength: Double = 1, _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> String {
    let before = folder.entries
    let error = #expect(throws: (any Error).self) {
      try merge(adapter, strength: strength, change)
    }
    #expect(folder.entries == before)
    return error.map { "\($0)" } ?? ""
  }

  private let toQ = (path: "transformer_blocks.0.attn.to_q", out: 64, columns: 64)

  @Test func modulesThatTheBaseLacksAreNamed() throws {
    let file = try adapter([toQ, ("transformer_blocks.7.attn.to_q", 64, 64)])
    let text = try refusal(file)
    #expect(text.contains("transformer_blocks.7.attn.to_q") && text.contains("--partial"))
    let result = try merge(file) { $0.isPartial = true }
    #expect(result.leftOut == ["transformer_blocks.7.attn.to_q"])
    #expect(result.modules.map(\.module) == [toQ.path])
  }

  @Test func modulesAreNamedAsTheirFileDoes() throws {
    let key = "lora_unet_double_blocks_7_img_attn_proj"
    let file = path("kohya.safetensors")
    try writeSafetensors(
      [
        TensorView(
          name: key + ".lora_down.weight", shape: [1, 64], Array(repeating: 1, count: 64)),
        TensorView(name: key + ".lora_up.weight", shape: [64, 1], Array(repeating: 1, count: 64)),
      ], to: file, overwrite: false)
    let text = try refusal(file)
    #expect(text.contains("transformer_blocks.7.attn.to_out.0 (\(key))"), "\(text)")
  }

  @Test func shapesThatDifferAreRefused() throws {
    let text = try refusal(adapter([(toQ.path, 64, 96)]))
    #expect(text.contains(toQ.path), "\(text)")
  }

  @Test func keysOfNoModuleAreRefusedOrLeftOut() throws {
    let file = try adapter([toQ, ("transformer_blocks.0.attn.to_z", 64, 64)])
    #expect(try refusal(file).contains("to_z"))
    let result = try merge(file) { $0.isPartial = true }
    #expect(result.modules.map(\.module) == [toQ.path])
  }

  @Test func textEncodersAreNoted() throws {
    let name = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
    let file = try adapter(
      [toQ],
      more: [
        TensorView(name: name + ".lora_down.weight", shape: [1, 2], [1, 1]),
        TensorView(name: name + ".lora_up.weight", shape: [2, 1], [1, 1]),
      ])
    #expect(try merge(file).modules.count == 1)
    let notes = try MergedAdapter.adapters(in: file, phase: nil, strength: 1, isPartial: false)
      .notes.map(\.text)
    #expect(
      notes.contains(
        "2 keys of text encoders: only converting, drawing and a bake of a pipeline's folder into another "
          + "take them"))
  }

  @Test("refuses factors that are no numbers", arguments: [Float.nan, .infinity, -.infinity])
  func notANumber(value: Float) throws {
    #expect(!(try refusal(adapter([toQ], value: value))).isEmpty)
  }

  @Test func changesBeyondFloat32AreRefused() throws {
    for (value, strength) in [(1e30, 1), (1, 1e300)] as [(Float, Double)] {
      let file = try adapter([toQ], value: value)
      #expect(
        try refusal(file, strength: strength)
          == "\(file): changes module '\(toQ.path)' of \(plain) by more than float32 holds; is "
          + "the adapter damaged, or its strength too large?")
    }
    #expect(try refusal(adapter([toQ]), strength: .nan).contains("finite"))
  }

  @Test func tooLittleSurvivalLeavesNothing() throws {
    let file = try adapter([toQ], value: 0.0005)
    let text = try refusal(file) {
      $0.minimumSurvival = 0.9
      $0.form.dtype = .f8E4M3
    }
    #expect(text.contains("--mode bundle") && text.contains("0.9"), "\(text)")
    for name in ["packed.safetensors", "shards", "merged.gguf"] {
      _ = try refusal(file) {
        $0.minimumSurvival = 0.9999
        $0.output = path(name)
        $0.form.isCompressed = name.hasPrefix("packed")
        $0.form.gguf = name.hasSuffix("gguf") ? "q8_0" : nil
      }
    }
    #expect(
      try merge(file) {
        $0.form.dtype = .f32; $0.minimumSurvival = 0.999
      }.total.cosine ?? 0 > 0.999)
  }

  @Test func untouchedTensorsKeepOddNumbersBitForBit() throws {
    var tensors = model.tensors(.bf16)
    let odd: [UInt16] = [0x7fc1, 0xffff, 0x8000, 0x0001, 0x807f, 0x7f80, 0xff80, 0x0000]
    for (index, tensor) in tensors.enumerated() {
      guard !tensor.name.contains("to_q"), tensor.name.hasSuffix("weight") else { continue }
      var own = bytes(of: tensor)
      for (place, code) in odd.enumerated() {
        (own[2 * place], own[2 * place + 1]) = (UInt8(code & 0xff), UInt8(code >> 8))
      }
      tensors[index] = unsafe TensorView(
        name: tensor.name, dtype: .bf16, shape: tensor.shape, copying: own.span.bytes)
    }
    let base = path("odd.safetensors")
    try writeSafetensors(tensors, to: base, overwrite: false)
    _ = try merge(adapter([toQ])) { $0.base = base }
    let merged = try SafetensorsFile(opening: path("merged.safetensors"))
    for tensor in tensors where tensor.name != toQ.path + ".weight" {
      #expect(bytes(of: tensor) == bytes(of: try merged.tensor(named: tensor.name)))
    }
  }

  @Test func strengthZeroChangesNothing() throws {
    let result = try merge(adapter([toQ]), strength: 0)
    #expect(result.modules.isEmpty && result.total.cosine == nil && result.total.gain == nil)
    let merged = try SafetensorsFile(opening: path("merged.safetensors"))
    for tensor in try SafetensorsFile(opening: plain).tensors {
      #expect(bytes(of: tensor) == bytes(of: try merged.tensor(named: tensor.name)))
    }
  }

  @Test("may write over its base", arguments: ["same", "hard", "symbolic"])
  func overTheBase(kind: String) throws {
    let before = try SafetensorsFile(opening: plain).tensors.map { bytes(of: $0) }
    switch kind {
    case "hard": try folder.hardLink("link.safetensors", to: "base.safetensors")
    case "symbolic": try folder.link("link.safetensors", to: "base.safetensors")
    default: break
    }
    let output = kind == "same" ? plain : path("link.safetensors")
    let file = try adapter([toQ])
    _ = try merge(file)
    let result = try merge(file) {
      $0.output = output
      $0.form.overwrite = true
    }
    #expect(result.modules.count == 1)
    #expect(
      try SafetensorsFile(opening: output).tensors.map { bytes(of: $0) }
        == SafetensorsFile(opening: path("merged.safetensors")).tensors.map { bytes(of: $0) })
    if kind != "same" {
      #expect(try SafetensorsFile(opening: plain).tensors.map { bytes(of: $0) } == before)
    }
  }
}
