import Adapters
import Checkpoints
import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("The type of factors with a scale in them")
struct BakedTypeTests {
  private let folder: TemporaryFolder
  private let path: FilePath

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path.appending("out.safetensors")
  }

  private func adapter(_ dtype: DType, values: [Float], scale: Double) -> Adapter {
    let up = TensorView(name: "b", shape: [values.count, 1], values).cast(to: dtype)
    let down = TensorView(name: "a", shape: [1, 4], [1, 0.5, -1, 2]).cast(to: dtype)
    return Adapter(
      family: ModelFamily.named("flux1"),
      modules: [
        AdapterModule(
          path: "transformer_blocks.0.attn.to_q", down: down, up: up, scale: scale)
      ])
  }

  /// B as it is written with its scale in it, and its type.
  private func written(
    _ adapter: Adapter, _ change: (inout AdapterWritingOptions) -> Void = { _ in }
  ) throws -> TensorView {
    var options = AdapterWritingOptions()
    options.dtype = nil
    options.overwrite = true
    change(&options)
    try adapter.write(to: path, options)
    let file = try SafetensorsFile(opening: path)
    #expect(
      try file.tensor(named: "transformer.transformer_blocks.0.attn.to_q.lora_A.weight").dtype
        == options.dtype ?? adapter.modules[0].down.dtype)
    return try file.tensor(named: "transformer.transformer_blocks.0.attn.to_q.lora_B.weight")
  }

  @Test(
    "eight-bit factors get float32, whatever the scale",
    arguments: [DType.f8E4M3, .f8E5M2], [0.075, 0.5, -1.0])
  func eightBits(dtype: DType, scale: Double) throws {
    let values: [Float] = [0.015625, -0.0625, 1.5, 3]
    let up = try written(adapter(dtype, values: values, scale: scale))
    #expect(up.dtype == .f32)
    #expect(up.floats() == values.map { $0 * Float(scale) })
  }

  @Test("nothing changes where there is nothing to bake", arguments: [DType.f8E4M3, .f16, .bf16])
  func scaleOfOne(dtype: DType) throws {
    let up = try written(adapter(dtype, values: [0.5, 1, 1.5, 3], scale: 1))
    #expect(up.dtype == dtype)
    #expect(up.floats() == [0.5, 1, 1.5, 3])
  }

  @Test(
    "half precision stays while its range is enough",
    arguments: [
      ([0.5, 1, 1.5, 3], 0.3, DType.f16),
      // Below 2⁻¹⁴ numbers lose bits.
      ([0.001, 0.002, -0.0015, 0.003], 0.001, .f32),
      // Beyond 65504 there are none.
      ([60000, 1, 2, 3], 2, .f32),
    ] as [([Float], Double, DType)])
  func half(values: [Float], scale: Double, expected: DType) throws {
    let adapter = adapter(.f16, values: values, scale: scale)
    let up = try written(adapter)
    #expect(up.dtype == expected)
    let exact = adapter.modules[0].up.floats().map { $0 * Float(scale) }
    #expect(relativeError(up.floats(), exact) <= 0x1p-10)
  }

  @Test("bfloat16 has float32's range and stays")
  func brain() throws {
    let up = try written(adapter(.bf16, values: [0x1p-20, 0x1p20, 1.5, 3], scale: 0.3))
    #expect(up.dtype == .bf16)
  }

  @Test("a type that is asked for is taken, and one that the scale stays out of keeps its bits")
  func asked() throws {
    let adapter = adapter(.f8E4M3, values: [0.5, 1, 1.5, 3], scale: 0.075)
    #expect(try written(adapter) { $0.dtype = .bf16 }.dtype == .bf16)
    let outside = try written(adapter) { $0.alpha = .metadata }
    #expect(outside.dtype == .f8E4M3)
    #expect(outside.floats() == [0.5, 1, 1.5, 3])
    #expect(try AdapterFile(opening: path).scales == [0.075])
  }

  @Test("what is baked is told before it is written")
  func told() throws {
    var options = AdapterWritingOptions()
    options.dtype = nil
    let adapter = adapter(.f8E4M3, values: [0.5, 1, 1.5, 3], scale: 0.075)
    let baked = try adapter.check(options, to: path)
    #expect(baked.map(\.stored) == [.f8E4M3])
    #expect(baked.map(\.written) == [.f32])
    #expect(baked.map(\.moduleCount) == [1])
    #expect(baked.map(\.roundedCount) == [0])
  }
}
