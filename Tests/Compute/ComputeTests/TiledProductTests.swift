import Compute
import Elements
import Tensors
import TestSupport
import Testing

/// What AMX computes: emulated, and by the processor where it can.
@Suite("Products on tiles of AMX")
struct TiledProductTests {
  private static let levels: [ProductLevel] =
    [.emulatedAMX] + (ProductLevel.best == .amx ? [.amx] : [])

  private static let engines = levels.flatMap { level in
    ProductPrecision.allCases.map {
      (
        engine: HostEngine(products: ProductSettings(precision: $0, level: level)),
        rounds: $0 == .bfloat16
      )
    }
  }

  /// Rows of the left operand, steps, and columns of the right one.
  typealias Size = (rows: Int, steps: Int, columns: Int)

  /// How far a product is from that in double precision.
  ///
  /// - Parameters:
  ///   - engine: what computes it.
  ///   - size: of the operands.
  ///   - transposed: whether columns are rows of the weight.
  ///   - dtype: what the weight, whose numbers are bfloat16 numbers, is stored as.
  ///   - rounds: whether the left operand is rounded to bfloat16 before.
  /// - Returns: the norm of the difference over the norm of the product.
  private func error(
    _ engine: HostEngine, _ size: Size, transposed: Bool, as dtype: DType = .bf16, rounds: Bool
  ) -> Double {
    let (rows, steps, columns) = size
    let x = sample([rows, steps], 1)
    let shape = transposed ? [columns, steps] : [steps, columns]
    let values = rounded(sample(shape, 2).floats)
    let weight = stored(values, shape, as: dtype)
    return relativeError(
      (transposed ? engine.product(x, transposed: weight) : engine.product(x, weight)).floats,
      PackedProductTests.plain(
        x.floats, values, rows: rows, steps: steps, columns: columns, transposed: transposed,
        rounds: rounds))
  }

  // One term has 8 bits: 2^-9 at the most, 1.7e-3 on average. Three are the number: what is left comes from
  // sums in float32, which have fewer steps than those of one product after the other.
  @Test(
    "are those of float32 with three terms, and of bfloat16 with one", arguments: [true, false])
  func exactness(transposed: Bool) {
    let size = (33, 4100, 70)
    let floats = error(
      Self.engines[0].engine, size, transposed: transposed, as: .f32, rounds: false)
    for (engine, rounds) in Self.engines {
      let error = error(engine, size, transposed: transposed, rounds: false)
      #expect(rounds ? (1.4e-3..<2e-3).contains(error) : error < min(floats, 4e-7))
    }
  }

  // 768 rows have their sums at a time.
  @Test(
    "of any size agree with the plain loop",
    arguments: [
      (1, 1, 1), (31, 33, 33), (32, 32, 32), (65, 545, 31), (289, 34, 40), (801, 513, 33),
    ],
    [true, false])
  func sizes(size: Size, transposed: Bool) {
    for (engine, rounds) in Self.engines {
      #expect(error(engine, size, transposed: transposed, rounds: rounds) < 4e-7)
    }
  }

  @Test("carry what is no number to the result, and to where it belongs only")
  func infinities() {
    let (x, values) = (sample([40, 600], 4), rounded(sample([50, 600], 5).floats))
    var broken = x.floats
    broken[3 * 600 + 70] = .infinity
    broken[35 * 600 + 599] = .nan
    var brokenValues = values
    brokenValues[5 * 600 + 10] = .infinity
    let weight = stored(values, [50, 600], as: .bf16)
    for (engine, _) in Self.engines {
      let whole = engine.product(x, transposed: weight).floats
      let rows = engine.product(Tensor(shape: [40, 600], broken), transposed: weight).floats
      let columns = engine.product(
        x, transposed: stored(brokenValues, [50, 600], as: .bf16)
      ).floats
      for (i, j) in (0..<40).flatMap({ i in (0..<50).map { (i, $0) } }) {
        let y = rows[i * 50 + j]
        switch i {
        case 3: #expect(y == (values[j * 600 + 70] < 0 ? -.infinity : .infinity))
        case 35: #expect(y.isNaN)
        default: #expect(y == whole[i * 50 + j])
        }
        #expect(
          j == 5 ? !columns[i * 50 + j].isFinite : columns[i * 50 + j] == whole[i * 50 + j])
      }
    }
  }

  /// Weights of eight bits, and the same numbers in bfloat16.
  @Test("don't depend on how bfloat16 numbers are stored", arguments: [DType.f8E4M3, .f8E5M2])
  func bfloat16Numbers(dtype: DType) throws {
    let eight = stored(sample([70, 600], 6).floats, [70, 600], as: dtype)
    let values = try eight.stored.floats()
    let (sixteen, plain) = (
      stored(values, [70, 600], as: .bf16), stored(values, [70, 600], as: .f32)
    )
    let (x, dy) = (sample([40, 600], 7), sample([40, 70], 8))
    for (engine, rounds) in Self.engines {
      let forward = engine.product(x, transposed: eight)
      let backward = engine.product(dy, eight)
      #expect(forward == engine.product(x, transposed: sixteen))
      #expect(backward == engine.product(dy, sixteen))
      // In float32 that is no matter of course: other numbers than these are not for tiles.
      #expect((forward == engine.product(x, transposed: plain)) == rounds)
    }
  }

  /// Weights whose numbers tiles would round.
  static let others: [Weight] = {
    let values = sample([64, 608], 9).floats
    let shape = [64, 608]
    return [
      stored(values, shape, as: .f16), stored(values, shape, as: BlockType.q80),
      stored(values, shape, as: .f8E4M3, scale: StoredScale(0.3)),
      stored(values, shape, as: .bf16, scale: StoredScale(0.3)),
    ]
  }()

  @Test("take no weights in float32 that they would round", arguments: others.indices)
  func otherNumbers(index: Int) throws {
    let weight = Self.others[index]
    let values = try weight.stored.floats()
    let (x, dy) = (sample([40, 608], 10), sample([40, 64], 11))
    func expected(_ left: Tensor, columns: Int, transposed: Bool) -> [Float] {
      PackedProductTests.plain(
        left.floats, values, rows: 40, steps: left.columns, columns: columns,
        transposed: transposed, rounds: false)
    }
    let plain = stored(values, [64, 608], as: .f32)
    for (engine, rounds) in Self.engines {
      let (forward, backward) = (engine.product(x, transposed: weight), engine.product(dy, weight))
      #expect(forward == engine.product(x, transposed: plain))
      #expect(backward == engine.product(dy, plain))
      if rounds { continue }
      #expect(
        relativeError(forward.floats, expected(x, columns: 64, transposed: true)) < 1e-6)
      #expect(
        relativeError(backward.floats, expected(dy, columns: 608, transposed: false)) < 1e-6)
    }
  }

  @Test("have the processor's bits when they are emulated", .enabled(if: levels.count > 1))
  func emulation() {
    let weight = stored(sample([100, 600], 12).floats, [100, 600], as: .bf16)
    let (x, dy) = (sample([70, 600], 13), sample([70, 100], 14))
    let results = Self.engines.map {
      [$0.engine.product(x, transposed: weight), $0.engine.product(dy, weight)]
    }
    #expect(results[0] == results[2] && results[1] == results[3])
  }

  @Test("are told of in the name of the arithmetic")
  func names() {
    func name(_ level: ProductLevel, _ precision: ProductPrecision) -> String {
      ProductSettings.with(ProductSettings(precision: precision, level: level)) { Arithmetic.name }
        .replacing("\(Arithmetic.dense), weights ", with: "")
    }
    #expect(name(.amx, .float32) == "AMX (three bfloat16 terms) or AVX-512 float32")
    #expect(name(.amx, .bfloat16) == "AMX or AVX-512 BF16 bfloat16")
    #expect(name(.avx512BF16, .float32) == "AVX-512 float32")
    #expect(name(.emulatedAMX, .bfloat16) == "emulated AMX or plain bfloat16")
  }
}
