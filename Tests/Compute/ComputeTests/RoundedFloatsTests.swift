import Compute
import Elements
import Testing

/// Products in bfloat16 on processors whose vectors take floats faster than pairs of bfloat16 numbers.
@Suite("Products of rounded floats")
struct RoundedFloatsTests {
  /// Those of this processor that round floats; nearly any has one below its best.
  private static let levels = ProductLevel.available.filter { !$0.takesPairs }

  private static func engine(_ precision: ProductPrecision, _ level: ProductLevel) -> HostEngine {
    HostEngine(products: ProductSettings(precision: precision, level: level))
  }

  // Where no vectors compute, float32 products are OpenBLAS's.
  @Test(
    "have the bits of float32 products of operands that were rounded before",
    arguments: levels.filter { $0 != .plain }, [DType.bf16, .f32, .f16])
  func products(level: ProductLevel, dtype: DType) {
    // Edges that fill no panel, and more steps than are summed at a time.
    let (rows, steps, columns) = (21, 1043, 101)
    let values = sample([columns, steps], 2).floats
    let weight = stored(values, [columns, steps], as: dtype)
    let rounding = stored(
      rounded(dtype == .f16 ? values.map { Float(Float16($0)) } : values), [columns, steps],
      as: .f32)
    let (exact, own) = (Self.engine(.float32, level), Self.engine(.bfloat16, level))
    for (x, isTransposed) in [
      (sample([rows, steps], 3), true), (sample([rows, columns], 4), false),
    ] {
      let before = Tensor(shape: x.shape, rounded(x.floats))
      let found = isTransposed ? own.product(x, transposed: weight) : own.product(x, weight)
      let expected =
        isTransposed ? exact.product(before, transposed: rounding) : exact.product(before, rounding)
      #expect(found.floats == expected.floats)
      // The same numbers unrounded give others.
      let unrounded =
        isTransposed ? exact.product(x, transposed: rounding) : exact.product(x, rounding)
      #expect(found.floats != unrounded.floats)
    }
  }

  @Test("keep NaN and infinities to the rows that have them", arguments: levels)
  func notFinite(level: ProductLevel) {
    let weight = stored(sample([50, 70], 5).floats, [50, 70], as: .bf16)
    let engine = Self.engine(.bfloat16, level)
    var values = sample([3, 70], 6).floats
    let plain = engine.product(Tensor(shape: [3, 70], values), transposed: weight).floats
    values[7] = .nan
    values[2 * 70] = .infinity
    let found = engine.product(Tensor(shape: [3, 70], values), transposed: weight).floats
    #expect(found[..<50].allSatisfy { $0.isNaN })
    #expect(found[50..<100] == plain[50..<100])
    #expect(found[100...].allSatisfy { $0.isInfinite })
  }

  @Test("are told of by the vectors that compute them", arguments: levels)
  func names(level: ProductLevel) {
    let name = ProductSettings(precision: .bfloat16, level: level).kernels
    let names = ["plain bfloat16", "AVX2 bfloat16", "AVX-512 bfloat16", "AVX-512 bfloat16"]
    #expect(name == names[Int(level.rawValue)])
  }

  @Test("are taken where pairs aren't taken as fast, which tiles need")
  func choice() {
    #expect([ProductLevel.plain, .avx2, .avx512].allSatisfy { !$0.takesPairs })
    #expect(ProductLevel.amx.takesPairs && ProductLevel.emulatedAMX.takesPairs)
  }
}
