import Adapters
import Checkpoints
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Layers of codes that notes of their own describe: what is not touched stays, what is touched is what a
/// conversion of the merged numbers gives.
@Suite("A merge into layers of codes")
struct CodedBaseTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)
  private let plain: FilePath
  private let adapters: [MergedAdapter]
  /// What the adapter touches, in each layout.
  private static let touched = [
    "diffusers": ["attn.to_q", "ff.net.0.proj", "ff_context.net.0.proj"].map {
      "transformer_blocks.0." + $0
    },
    "bfl": ["img_attn.qkv", "img_mlp.0", "txt_mlp.0"].map { "double_blocks.0." + $0 },
  ]

  init() throws {
    folder = try TemporaryFolder()
    plain = try model.write(to: folder.path.appending("plain.safetensors"))
    let tensors = (Self.touched["diffusers"] ?? []).enumerated().flatMap { number, module in
      let (out, columns) = SmallModel(.flux).size(of: module)
      func factor(_ name: String, _ shape: [Int], _ step: UInt32) -> TensorView {
        let values = RandomStream(seed: 5, purpose: .test, step: step)
          .normals(count: shape[0] * shape[1]).map { $0 * 0.1 }
        return TensorView(
          name: "transformer.\(module).lora_\(name).weight", shape: shape, values)
      }
      return [
        factor("A", [4, columns], UInt32(2 * number)),
        factor("B", [out, 4], UInt32(2 * number + 1)),
      ]
    }
    let file = folder.path.appending("adapter.safetensors")
    try writeSafetensors(tensors, to: file, overwrite: false)
    adapters = try MergedAdapter.adapters(in: file, phase: nil, strength: 1, isPartial: false)
      .adapters
  }

  private func path(_ name: String) -> FilePath { folder.path.appending(name + ".safetensors") }

  @discardableResult
  private func convert(
    _ input: FilePath, to name: String, _ change: (inout RewritingRequest) -> Void
  ) throws -> SafetensorsFile {
    var request = RewritingRequest(input: input, output: path(name))
    change(&request)
    _ = try RewritingPlan(request).write { _ in }
    return try SafetensorsFile(opening: request.output)
  }

  private func merge(
    _ base: FilePath, to name: String, _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> (file: SafetensorsFile, result: BakeResult) {
    var request = BakeRequest(base: base, output: path(name), adapters: adapters)
    change(&request)
    let result = try Bake(request).write { _ in }
    return (try SafetensorsFile(opening: request.output), result)
  }

  private func isOf(_ layers: [String], _ tensor: String) -> Bool {
    layers.contains { tensor.hasPrefix($0 + ".") }
  }

  private func layerCount(_ file: SafetensorsFile) -> Int {
    file.tensors.count { $0.name.hasSuffix(".comfy_quant") }
  }

  private func expectSame(
    _ found: SafetensorsFile, _ expected: SafetensorsFile, _ names: some Sequence<String>,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    for name in names {
      let (one, other) = (try found.tensor(named: name), try expected.tensor(named: name))
      #expect(
        one.dtype == other.dtype && one.shape == other.shape && bytes(of: one) == bytes(of: other),
        "\(name)", sourceLocation: location)
    }
  }

  @Test(
    "keeps what it doesn't touch, bit for bit, and stores the rest in its form",
    arguments: ["int8", "nvfp4", "mxfp8", "nvfp4,img_mlp=int8,txt_mlp=fp8"], ["diffusers", "bfl"])
  func forms(encoding: String, layout: String) throws {
    let touched = try #require(Self.touched[layout])
    let base = try convert(plain, to: "base") {
      $0.layout = layout
      $0.form.encoding = encoding
    }
    let (merged, result) = try merge(path("base"), to: "merged")
    #expect(Set(merged.tensors.map(\.name)) == Set(base.tensors.map(\.name)))
    try expectSame(
      merged, base, base.tensors.map(\.name).filter { !isOf(touched, $0) })
    // Codes of the same numbers, by another way.
    try convert(path("base"), to: "wide") { $0.form.dtype = .f32 }
    _ = try merge(path("wide"), to: "sums")
    let coded = try convert(path("sums"), to: "coded") { $0.form.encoding = encoding }
    try expectSame(merged, coded, merged.tensors.map(\.name).filter { isOf(touched, $0) })
    let isMixed = encoding.contains(",")
    #expect(result.codedLayers.kept == layerCount(base) - touched.count)
    #expect(
      result.codedLayers.written
        == (isMixed ? ["nvfp4": 1, "int8": 1, "fp8": 1] : [encoding: touched.count]))
    #expect(result.total.cosine ?? 0 > 0.9)
  }

  @Test("stores layers of a form that isn't written in BF16, and keeps the others")
  func unwritten() throws {
    let touched = try #require(Self.touched["diffusers"])
    let coded = try convert(plain, to: "coded") { $0.form.encoding = "int8" }
    let note = Array(
      "{\"format\": \"int8_tensorwise\", \"convrot\": true, \"convrot_groupsize\": 16}".utf8)
    try writeSafetensors(
      coded.tensors.map { tensor in
        guard tensor.name.hasSuffix(".comfy_quant") else { return tensor }
        return unsafe TensorView(
          name: tensor.name, dtype: .u8, shape: [note.count], copying: note.span.bytes)
      }, to: path("base"), overwrite: false)
    let base = try SafetensorsFile(opening: path("base"))
    let (merged, result) = try merge(path("base"), to: "merged")
    try expectSame(merged, base, base.tensors.map(\.name).filter { !isOf(touched, $0) })
    let wide = try merge(path("base"), to: "wide") { $0.form.dtype = .bf16 }.file
    try expectSame(merged, wide, merged.tensors.map(\.name).filter { isOf(touched, $0) })
    for layer in touched {
      #expect(
        Set(merged.tensors.map(\.name).filter { isOf([layer], $0) }) == [
          layer + ".weight", layer + ".bias",
        ])
    }
    #expect(result.codedLayers.kept == layerCount(base) - touched.count)
    #expect(result.codedLayers.written == ["BF16": touched.count])
  }

  @Test("turns notes of the header into tensors, and keeps what they say and the factors of inputs")
  func notes() throws {
    let coded = try convert(plain, to: "coded") { $0.form.encoding = "nvfp4" }
    let said = "{\"format\": \"nvfp4\", \"full_precision_matrix_mult\": true}"
    let layers = coded.tensors.map(\.name).filter { $0.hasSuffix(".comfy_quant") }
      .map { String($0.dropLast(".comfy_quant".count)) }
    let inputs = ["transformer_blocks.0.attn.to_q", "transformer_blocks.0.attn.to_k"].map {
      TensorView(name: $0 + ".input_scale", shape: [], [0.375])
    }
    let header = layers.map { "\"\($0)\": \(said)" }.joined(separator: ", ")
    try writeSafetensors(
      coded.tensors.filter { !$0.name.hasSuffix(".comfy_quant") } + inputs,
      metadata: [
        ("_quantization_metadata", "{\"format_version\": \"1.0\", \"layers\": {\(header)}}")
      ], to: path("base"), overwrite: false)
    let (merged, result) = try merge(path("base"), to: "merged")
    #expect(merged.metadata.allSatisfy { $0.key != "_quantization_metadata" })
    for layer in layers {
      #expect(
        bytes(of: try merged.tensor(named: layer + ".comfy_quant")) == Array(said.utf8), "\(layer)")
    }
    try expectSame(
      merged, SafetensorsFile(opening: path("base")), inputs.map(\.name))
    #expect(result.codedLayers.kept + 3 == layers.count)
    #expect(result.codedLayers.written == ["nvfp4": 3])
  }

  @Test("is taken back to the bytes of the base")
  func reversible() throws {
    try convert(plain, to: "base") { $0.form.encoding = "nvfp4,img_mlp=int8" }
    let result = try merge(path("base"), to: "merged") { $0.isReversible = true }.result
    try UndoFile(try #require(result.undo)).restore(
      path("merged"), to: path("back"), overwrite: false
    ) { _ in }
    #expect(try contents(of: path("back")) == contents(of: path("base")))
  }
}
