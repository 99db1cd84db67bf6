import CKernels
import Compute
import Concurrency
import Elements
import Tensors
import TestSupport
import Testing

/// The kernels of products with stored weights, on every level that this processor has.
@Suite("Packed products")
struct PackedProductTests {
  /// Levels from the plainest to the best that is here.
  private static let levels: [ck_product_level] = [
    CK_PRODUCT_PLAIN, CK_PRODUCT_AVX2, CK_PRODUCT_AVX512, CK_PRODUCT_AVX512_BF16, CK_PRODUCT_AMX,
  ].filter { $0.rawValue <= ck_best_product_level().rawValue }

  /// left · right in double precision, of numbers that are rounded first where that is asked for.
  static func plain(
    _ left: [Float], _ right: [Float], rows: Int, steps: Int, columns: Int, transposed: Bool,
    rounds: Bool
  ) -> [Float] {
    let a = rounds ? rounded(left) : left
    let b = rounds ? rounded(right) : right
    return (0..<rows * columns).map { index in
      let (i, j) = (index / columns, index % columns)
      return Float(
        (0..<steps).reduce(0.0) { sum, r in
          sum + Double(a[i * steps + r])
            * Double(transposed ? b[j * steps + r] : b[r * columns + j])
        })
    }
  }

  private static func tile(
    _ level: ck_product_level, _ left: [Float], _ right: [Float], rows: Int, steps: Int,
    columns: Int, transposed: Bool, pairs: Bool, into y: inout [Float]
  ) {
    let items = pairs ? (steps + 1) / 2 : steps
    let stride = transposed ? steps : columns
    if pairs {
      var a = [UInt32](repeating: 9, count: items * Int(CK_TILE_ROWS))
      var b = [UInt32](repeating: 9, count: items * Int(CK_TILE_COLUMNS))
      ck_pack_left_bf16(left, steps, rows, steps, &a)
      let pack = transposed ? ck_pack_right_transposed_bf16 : ck_pack_right_bf16
      pack(right, stride, columns, steps, &b)
      ck_product_tile_bf16(level, a, b, items, &y, 50, rows, columns, 1)
    } else {
      var a = [Float](repeating: 9, count: items * Int(CK_TILE_ROWS))
      var b = [Float](repeating: 9, count: items * Int(CK_TILE_COLUMNS))
      ck_pack_left_f32(left, steps, rows, steps, &a)
      let pack = transposed ? ck_pack_right_transposed_f32 : ck_pack_right_f32
      pack(right, stride, columns, steps, &b)
      ck_product_tile_f32(level, a, b, items, &y, 50, rows, columns, 1)
    }
  }

  // 2e-5: the sums are added to 100, whose neighbours are 8e-6 away.
  @Test(
    "agree with the plain loop, and leave what is beside a tile", arguments: levels.indices,
    [(8, 48, 33), (8, 48, 128), (3, 47, 1), (1, 1, 31), (5, 17, 200)])
  func tiles(level: Int, size: (rows: Int, columns: Int, steps: Int)) {
    let (rows, columns, steps) = size
    let left = sample([rows, steps], 1).floats
    let right = sample([columns, steps], 2).floats
    for (pairs, transposed) in [(false, false), (false, true), (true, false), (true, true)] {
      var y = [Float](repeating: 100, count: 8 * 50)
      Self.tile(
        Self.levels[level], left, right, rows: rows, steps: steps, columns: columns,
        transposed: transposed, pairs: pairs, into: &y)
      let expected = Self.plain(
        left, right, rows: rows, steps: steps, columns: columns, transposed: transposed,
        rounds: pairs)
      for i in 0..<8 {
        for j in 0..<50 {
          let isInside = i < rows && j < columns
          let wanted = 100 + (isInside ? expected[i * columns + j] : 0)
          #expect(abs(y[i * 50 + j] - wanted) <= (isInside ? 2e-5 : 0))
        }
      }
    }
  }

  @Test(
    "have the same bits on AVX2 and AVX-512", .enabled(if: levels.count > 2),
    arguments: [false, true])
  func sameBits(pairs: Bool) {
    let (left, right) = (sample([8, 300], 1).floats, sample([48, 300], 2).floats)
    let results = [CK_PRODUCT_AVX2, CK_PRODUCT_AVX512].map { level in
      var y = [Float](repeating: 0, count: 8 * 50)
      Self.tile(
        level, left, right, rows: 8, steps: 300, columns: 48, transposed: true, pairs: pairs,
        into: &y)
      return y
    }
    #expect(results[0] == results[1])
  }

  @Test("round to bfloat16 as the casts do, NaN and infinity kept")
  func rounding() {
    let values: [Float] = [1, 1.003_906_25, 1.011_718_75, -3e38, .infinity, .nan, 1e-38, 0]
    var panel = [UInt32](repeating: 0, count: 4 * Int(CK_TILE_ROWS))
    ck_pack_left_bf16(values, 8, 1, 8, &panel)
    let found = (0..<4).flatMap { pair -> [UInt32] in
      let item = panel[pair * Int(CK_TILE_ROWS)]
      return [item << 16, item & 0xFFFF_0000]
    }
    for (value, bits) in zip(rounded(values), found) {
      let number = Float(bitPattern: bits)
      #expect(value.isNaN ? number.isNaN : number == value)
    }
  }

  @Test("of columns as rows are packed like rows", arguments: [(8, 6), (13, 7), (128, 48), (1, 1)])
  func columnsAsRows(rows: Int, steps: Int) {
    let x = sample([steps, rows], 1).floats
    let turned = (0..<rows).flatMap { row in (0..<steps).map { x[$0 * rows + row] } }
    let (height, tiles) = (Int(CK_TILE_ROWS), (rows + 7) / 8)
    let pairs = (steps + 1) / 2
    var floats = [Float](repeating: 9, count: tiles * height * steps)
    var items = [UInt32](repeating: 9, count: tiles * height * pairs)
    var (expectedFloats, expectedItems) = (floats, items)
    unsafe ck_pack_left_transposed_f32(x, rows, rows, steps, &floats)
    unsafe ck_pack_left_transposed_bf16(x, rows, rows, steps, &items)
    for tile in 0..<tiles {
      let part = Array(turned[(tile * height * steps)...])
      let count = min(height, rows - tile * height)
      var (one, other) = (
        [Float](repeating: 9, count: height * steps), [UInt32](repeating: 9, count: height * pairs)
      )
      unsafe ck_pack_left_f32(part, steps, count, steps, &one)
      unsafe ck_pack_left_bf16(part, steps, count, steps, &other)
      expectedFloats.replaceSubrange(tile * one.count..<(tile + 1) * one.count, with: one)
      expectedItems.replaceSubrange(tile * other.count..<(tile + 1) * other.count, with: other)
    }
    #expect(floats == expectedFloats && items == expectedItems)
  }

  @Test("in strips are those of the tiles by themselves", arguments: levels.indices, [0, 1])
  func strips(level: Int, adds: Int32) {
    let (left, right) = (sample([24, 31], 1).floats, sample([31, 48], 2).floats)
    let level = Self.levels[level]
    var strip = sample([24, 48], 3).floats
    var tiles = strip
    unsafe ck_product_strip_f32(level, left, 3, right, 31, &strip, adds)
    for tile in 0..<3 {
      var y = Array(tiles[tile * 384..<(tile + 1) * 384])
      let panel = Array(left[(tile * 8 * 31)...])
      unsafe ck_product_tile_f32(level, panel, right, 31, &y, 48, 8, 48, adds)
      tiles.replaceSubrange(tile * 384..<(tile + 1) * 384, with: y)
    }
    #expect(strip == tiles)
  }

  /// Both precisions on all levels that have kernels for them, and as AMX computes them.
  private let products = (ProductLevel.available + [.emulatedAMX]).flatMap { level in
    ProductPrecision.allCases.map { ProductSettings(precision: $0, level: level) }
      .filter { $0.kernels != ProductSettings(usesBLAS: true).kernels }
  }
  private var engines: [HostEngine] { products.map { HostEngine(products: $0) } }

  /// A weight of more than one block and column of blocks, in bfloat16 so that it is exact in all.
  private let weight: (stored: Weight, values: [Float]) = {
    let values = rounded(sample([611, 531], 3).floats)
    return (stored(values, [611, 531], as: .bf16), values)
  }()

  // 1e-6: a float32 sum of some hundred terms is off by a few units of 6e-8.
  @Test("of whole weights agree with the plain loop, forwards and backwards")
  func whole() {
    let (x, dy) = (sample([37, 531], 4), sample([37, 611], 5))
    for products in products {
      let engine = HostEngine(products: products)
      let rounds = products.precision == .bfloat16
      let forward = Self.plain(
        x.floats, weight.values, rows: 37, steps: 531, columns: 611, transposed: true,
        rounds: rounds)
      let backward = Self.plain(
        dy.floats, weight.values, rows: 37, steps: 611, columns: 531, transposed: false,
        rounds: rounds)
      #expect(
        relativeError(engine.product(x, transposed: weight.stored).floats, forward) < 1e-6)
      #expect(relativeError(engine.product(dy, weight.stored).floats, backward) < 1e-6)
    }
  }

  @Test("have the same bits for any number of threads, and for rows that come by themselves")
  func determinism() {
    // Work for three threads, of which each takes 384 columns at the most.
    let weight = stored(sample([803, 779], 5).floats, [803, 779], as: .bf16)
    let (x, dy) = (sample([40, 779], 6), sample([40, 803], 7))
    for engine in engines {
      let results = atWidths([1, 2, 3]) {
        [engine.product(x, transposed: weight), engine.product(dy, weight)]
      }
      #expect(results[0] == results[1] && results[0] == results[2])
      // Of many threads each takes fewer columns: two panels of AMX, or one of vectors.
      let forwards = Parallel.withThreads(24) { engine.product(x, transposed: weight) }
      let backwards = Parallel.withThreads(24) { engine.product(dy, weight) }
      #expect([forwards.result, backwards.result] == results[0])
      #expect(min(forwards.widest, backwards.widest) >= 13)
      #expect(engine.product(x.rows(10..<30), transposed: weight) == results[0][0].rows(10..<30))
      #expect(engine.product(dy.rows(10..<30), weight) == results[0][1].rows(10..<30))
    }
  }

  @Test("are those of OpenBLAS where it is asked for", .enabled(if: ProductLevel.best != .plain))
  func blas() {
    let x = sample([20, 531], 8)
    let engine = HostEngine(products: ProductSettings(usesBLAS: true))
    let own = HostEngine(products: ProductSettings()).product(x, transposed: weight.stored)
    #expect(engine.product(x, transposed: weight.stored) != own)
    let expected = engine.product(
      x, Tensor(shape: [611, 531], weight.values), transposeB: true)
    #expect(
      relativeError(
        engine.product(x, transposed: weight.stored).floats, expected.floats) < 1e-6)
  }

  @Test("of more rows than are packed at a time are those of the rows by themselves")
  func manyRows() {
    // 48 MiB hold 209 rows of 60,000 steps, 256 are taken at least.
    let weight = stored(sample([10, 60_000], 9).floats, [10, 60_000], as: .bf16)
    let x = sample([300, 60_000], 10)
    for engine in engines {
      let all = engine.product(x, transposed: weight)
      #expect(all.rows(250..<300) == engine.product(x.rows(250..<300), transposed: weight))
    }
  }

  @Test("of blocks are those of the numbers that they stand for", arguments: [BlockType.q80, .q40])
  func blocks(type: BlockType) throws {
    let blocks = stored(sample([530, 512], 11).floats, [530, 512], as: type)
    let plain = Weight(Tensor(shape: [530, 512], try blocks.stored.floats()))
    let (x, dy) = (sample([20, 512], 12), sample([20, 530], 13))
    for engine in engines {
      #expect(
        engine.product(x, transposed: blocks) == engine.product(x, transposed: plain))
      #expect(engine.product(dy, blocks) == engine.product(dy, plain))
    }
  }

  @Test("of codes with several scales are those of their numbers", arguments: ScaledCodes.allCases)
  func scaledCodes(form: ScaledCodes) throws {
    let codes = try form.weight()
    let plain = Weight(Tensor(shape: [530, 512], try codes.stored.floats()))
    let (x, dy) = (sample([20, 512], 12), sample([20, 530], 13))
    for engine in engines {
      #expect(engine.product(x, transposed: codes) == engine.product(x, transposed: plain))
      #expect(engine.product(dy, codes) == engine.product(dy, plain))
    }
  }
}
