import Merging
import Safetensors
import Tensors
import Testing

@Suite("Baking an adapter into a weight")
struct BakedRowsTests {
  private static let rows = 37
  private static let columns = 53
  private static let rank = 5

  private static func normals(_ count: Int, _ seed: UInt64, _ spread: Float) -> [Float] {
    RandomStream(seed: seed, purpose: .test).normals(count: count).map { $0 * spread }
  }

  private static let weights = normals(rows * columns, 1, 0.02)
  private static let down = normals(rank * columns, 2, 0.3)
  private static let up = normals(rows * rank, 3, 0.01)

  private static func view(_ dtype: DType) -> TensorView {
    var bytes = [UInt8](repeating: 0, count: weights.count * dtype.bitCount / 8)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    narrow(weights.span, to: dtype, into: &raw)
    return unsafe TensorView(
      name: "w", dtype: dtype, shape: [rows, columns], copying: bytes.span.bytes)
  }

  private static func delta(rows range: Range<Int>, scale: Double) -> LowRankDelta {
    LowRankDelta(
      module: "m", rows: range, columns: columns,
      factors: [
        .init(
          down: down, up: Array(up[range.lowerBound * rank..<range.upperBound * rank]), rank: rank,
          scale: scale)
      ])
  }

  /// The plain triple loop in double precision.
  private static func exact(_ row: Int, _ column: Int, scale: Double) -> Double {
    (0..<rank).reduce(0.0) {
      $0 + scale * Double(up[row * rank + $1]) * Double(down[$1 * columns + column])
    }
  }

  @Test("equals the rounded exact sum", arguments: [DType.f32, .bf16, .f16])
  func exactness(dtype: DType) {
    let base = Self.view(dtype)
    let original = base.floats()
    // In two portions, neither of which begins or ends with the delta's rows.
    let delta = Self.delta(rows: 3..<35, scale: 0.7)
    var merged: [Float] = []
    for portion in [0..<20, 20..<Self.rows] {
      let bytes = bakeRows(base, rows: portion, deltas: [delta], to: dtype).bytes
      merged += unsafe TensorView(
        name: "", dtype: dtype, shape: [portion.count, Self.columns], copying: bytes.span.bytes
      ).floats()
    }
    var differing = 0
    for row in 0..<Self.rows {
      for column in 0..<Self.columns {
        let place = row * Self.columns + column
        let sum =
          Double(original[place])
          + ((3..<35).contains(row) ? Self.exact(row, column, scale: 0.7) : 0)
        let expected: Float =
          switch dtype {
          case .bf16: Float(BFloat16(Float(sum)))
          case .f16: Float(Float16(sum))
          default: Float(sum)
          }
        if merged[place] != expected { differing += 1 }
      }
    }
    // Double rounding through float32 may cost a neighbour once in some thousands.
    #expect(differing <= 2)
  }

  @Test func survivalIsWhatTheRoundedWeightsShow() {
    let base = Self.view(.bf16)
    let result = bakeRows(
      base, rows: 0..<Self.rows, deltas: [Self.delta(rows: 0..<Self.rows, scale: 0.1)], to: .bf16)
    let before = base.floats()
    let after = unsafe TensorView(
      name: "", dtype: .bf16, shape: [Self.rows, Self.columns], copying: result.bytes.span.bytes
    ).floats()
    var (wanted, survived, product, unchanged) = (0.0, 0.0, 0.0, 0)
    for row in 0..<Self.rows {
      for column in 0..<Self.columns {
        let place = row * Self.columns + column
        let d = Self.exact(row, column, scale: 0.1)
        let s = Double(after[place]) - Double(before[place])
        wanted += d * d
        survived += s * s
        product += d * s
        unchanged += after[place] == before[place] ? 1 : 0
      }
    }
    let survival = result.survival[0]
    #expect(survival.count == Self.rows * Self.columns)
    #expect(survival.unchangedCount == unchanged)
    // Sums of two thousand terms in another order: 1e-12.
    #expect(abs(survival.cosine - product / (wanted * survived).squareRoot()) < 1e-12)
    #expect(abs(survival.gain - product / wanted) < 1e-12)
    #expect(survival.unchangedShare > 0.05 && survival.unchangedShare < 0.95)
  }

  @Test func severalAdaptersOnOneModuleAddUp() {
    let both = LowRankDelta(
      module: "m", rows: 0..<Self.rows, columns: Self.columns,
      factors: [0.3, 0.4].map {
        .init(down: Self.down, up: Self.up, rank: Self.rank, scale: $0)
      })
    let base = Self.view(.f32)
    let rows = 0..<Self.rows
    let sum = bakeRows(base, rows: rows, deltas: [both], to: .bf16)
    let one = bakeRows(base, rows: rows, deltas: [Self.delta(rows: rows, scale: 0.7)], to: .bf16)
    #expect(sum.bytes == one.bytes)
  }

  @Test func zeroDeltaChangesNothing() {
    let base = Self.view(.bf16)
    let rows = 0..<Self.rows
    let result = bakeRows(base, rows: rows, deltas: [Self.delta(rows: rows, scale: 0)], to: .bf16)
    #expect(result.survival[0].cosine == 1)
    #expect(result.survival[0].unchangedShare == 1)
    let original = unsafe base.bytes.withUnsafeBytes { unsafe Array($0) }
    #expect(result.bytes == original)
  }
}
