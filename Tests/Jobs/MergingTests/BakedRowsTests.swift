import Elements
import Merging
import Rewriting
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

  private static func base(_ dtype: DType) -> TensorView {
    view("w", dtype, [rows, columns], weights)
  }

  /// The merged weight, made in portions that end inside of rows, and what survived of the deltas.
  private static func merge(
    _ base: TensorView, _ deltas: [LowRankDelta], to dtype: DType
  ) throws -> (weight: TensorView, survival: [ModuleSurvival]) {
    let tensor = PlannedTensor(
      name: "w", shape: base.shape,
      origin: .elements([TensorPiece(base)], .cast(dtype, .nearest)))
    let maker = BakeMaker([tensor], deltas: [deltas.map { ParameterDelta($0) }])
    var made: [UInt8] = []
    for elements in [0..<700, 700..<1201, 1201..<rows * columns] {
      var bytes = [UInt8](repeating: 0, count: elements.count * dtype.bitCount / 8)
      var span = bytes.mutableSpan
      var output = unsafe span.mutableBytes
      _ = try maker.make(elements, of: 0, into: &output)
      made += bytes
    }
    let weight = unsafe TensorView(
      name: "w", dtype: dtype, shape: base.shape, copying: made.span.bytes)
    return (weight, maker.survivals)
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
  func exactness(dtype: DType) throws {
    let base = Self.base(dtype)
    let original = base.floats()
    let merged = try Self.merge(base, [Self.delta(rows: 3..<35, scale: 0.7)], to: dtype)
      .weight.floats()
    var tally = RoundingTally()
    for row in 0..<Self.rows {
      for column in 0..<Self.columns {
        let place = row * Self.columns + column
        let sum =
          Double(original[place])
          + ((3..<35).contains(row) ? Self.exact(row, column, scale: 0.7) : 0)
        tally.add(merged[place], exact: sum, FloatingFormat(dtype))
      }
    }
    #expect(tally.isCorrect, "\(tally)")
  }

  @Test func survivalIsWhatTheRoundedWeightsShow() throws {
    let base = Self.base(.bf16)
    let result = try Self.merge(
      base, [Self.delta(rows: 0..<Self.rows, scale: 0.1)], to: .bf16)
    let before = base.floats()
    let after = result.weight.floats()
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
    let survival = result.survival[0].survival
    #expect(survival.count == Self.rows * Self.columns)
    #expect(survival.unchangedCount == unchanged)
    // Sums of two thousand terms in another order: 1e-12.
    let (cosine, gain) = (try #require(survival.cosine), try #require(survival.gain))
    #expect(abs(cosine - product / (wanted * survived).squareRoot()) < 1e-12)
    #expect(abs(gain - product / wanted) < 1e-12)
    #expect(survival.unchangedShare > 0.05 && survival.unchangedShare < 0.95)
  }

  @Test func severalAdaptersOnOneModuleAddUp() throws {
    let both = LowRankDelta(
      module: "m", rows: 0..<Self.rows, columns: Self.columns,
      factors: [0.3, 0.4].map {
        .init(down: Self.down, up: Self.up, rank: Self.rank, scale: $0)
      })
    let sum = try Self.merge(Self.base(.f32), [both], to: .bf16)
    let one = try Self.merge(
      Self.base(.f32), [Self.delta(rows: 0..<Self.rows, scale: 0.7)], to: .bf16)
    #expect(bytes(of: sum.weight) == bytes(of: one.weight))
  }

  @Test func zeroDeltaChangesNothing() throws {
    let base = Self.base(.bf16)
    let result = try Self.merge(base, [Self.delta(rows: 0..<Self.rows, scale: 0)], to: .bf16)
    #expect(result.survival[0].survival.cosine == nil)
    #expect(result.survival[0].survival.unchangedShare == 1)
    #expect(bytes(of: result.weight) == bytes(of: base))
  }

  @Test func weightsThatAreNoNumbersSayNothing() throws {
    var values = Self.weights
    values[0] = .nan
    values[1] = .infinity
    let delta = Self.delta(rows: 0..<Self.rows, scale: 1)
    let odd = try Self.merge(
      view("w", .f32, [Self.rows, Self.columns], values), [delta], to: .f32)
    #expect(odd.weight.floats()[0].isNaN && odd.weight.floats()[1] == .infinity)
    let survival = odd.survival[0].survival
    // Two of two thousand entries are lost.
    let cosine = try #require(survival.cosine)
    #expect(cosine < 1 && cosine > 0.99)
  }
}
