import CKernels
import Compute
import TestSupport
import Testing

/// Attention in tiles against the plain formulas, on every level that this processor has.
@Suite("Attention")
struct AttentionTests {
  /// Sizes and form of one case.
  struct Case: Sendable, CustomTestStringConvertible {
    var queries: Int
    var keys: Int
    var channels: Int
    var heads = 2
    var keyValueHeads = 2
    var isCausal = false
    var hasBias = false

    var testDescription: String {
      "\(queries) queries, \(keys) keys, \(channels) channels, \(heads)/\(keyValueHeads) heads"
        + (isCausal ? ", causal" : "") + (hasBias ? ", bias" : "")
    }

    var form: AttentionForm {
      AttentionForm(
        heads: heads, keyValueHeads: keyValueHeads, scale: 1 / Float(channels).squareRoot(),
        isCausal: isCausal,
        relativeBias: hasBias ? sample([heads, 2 * keys - 1], 14, spread: 2) : nil)
    }

    /// q, k, v and the gradient of the output.
    var inputs: [Tensor] {
      [
        sample([queries, heads * channels], 10, spread: 2),
        sample([keys, keyValueHeads * channels], 11),
        sample([keys, keyValueHeads * channels], 12),
        sample([queries, heads * channels], 13),
      ]
    }
  }

  // A tile has 96 queries in panels of 48, a block 192 keys in panels of 48.
  private static let cases = [
    Case(queries: 1, keys: 1, channels: 1),
    Case(queries: 1, keys: 200, channels: 7),
    Case(queries: 130, keys: 1, channels: 64),
    Case(queries: 97, keys: 193, channels: 64),
    Case(queries: 50, keys: 400, channels: 33, heads: 3, keyValueHeads: 1),
    Case(queries: 250, keys: 250, channels: 20, heads: 4, isCausal: true),
    Case(queries: 193, keys: 193, channels: 8, hasBias: true),
    Case(queries: 90, keys: 210, channels: 9, heads: 4, hasBias: true),
    Case(queries: 30, keys: 50, channels: 512, heads: 1, keyValueHeads: 1),
    Case(queries: 100, keys: 100, channels: 128, isCausal: true, hasBias: true),
  ]

  private static func engine(_ precision: ProductPrecision, _ level: ProductLevel) -> HostEngine {
    HostEngine(products: ProductSettings(precision: precision, level: level))
  }

  private func results(_ engine: HostEngine, _ inputs: [Tensor], _ form: AttentionForm) -> [Tensor]
  {
    let (q, k, v, dOut) = (inputs[0], inputs[1], inputs[2], inputs[3])
    let gradients = engine.attentionBackward(q, k, v, form, gradient: dOut)
    return [engine.attention(q, k, v, form), gradients.q, gradients.k, gradients.v]
  }

  /// How far a weight may be off in float32, by itself: scores are up to 20 apart, which is rounded, and
  /// the rounding of a score's own sum grows with the root of its terms.
  private func tolerance(_ size: Case) -> Double {
    0x1p-24 * (20 + 2 * Double(size.channels).squareRoot())
  }

  @Test("in float32 agrees with the formulas", arguments: cases, ProductLevel.available)
  func float32(size: Case, level: ProductLevel) {
    let reference = AttentionReference(
      form: size.form, q: size.inputs[0], k: size.inputs[1], v: size.inputs[2])
    let expected = reference.results(gradient: size.inputs[3])
    let found = results(Self.engine(.float32, level), size.inputs, size.form)
    for (found, expected) in zip(found, expected) {
      #expect(expected.error(of: found) < tolerance(size))
    }
  }

  // Weights and the gradients of scores are rounded to 8 bits, each off by 2^-8 of itself at most.
  @Test(
    "in bfloat16 agrees with the formulas of rounded operands", arguments: cases,
    ProductLevel.available + [.emulatedAMX])
  func bfloat16(size: Case, level: ProductLevel) {
    let rounded = size.inputs.map(\.roundedToBFloat16)
    let reference = AttentionReference(form: size.form, q: rounded[0], k: rounded[1], v: rounded[2])
    let expected = reference.results(gradient: rounded[3])
    let found = results(Self.engine(.bfloat16, level), size.inputs, size.form)
    for (found, expected) in zip(found, expected) {
      #expect(expected.error(of: found) < 0x1p-8 + tolerance(size))
    }
  }

  @Test("is AMX's in bfloat16 alone: in float32 it has the bits of vectors")
  func withTiles() {
    let size = Case(queries: 97, keys: 193, channels: 33)
    func found(_ precision: ProductPrecision, _ level: ProductLevel) -> [Tensor] {
      results(Self.engine(precision, level), size.inputs, size.form)
    }
    #expect(found(.float32, .emulatedAMX) == found(.float32, .plain))
    #expect(found(.bfloat16, .emulatedAMX) != found(.bfloat16, .plain))
    guard ProductLevel.best == .amx else { return }
    #expect(found(.float32, .amx) == found(.float32, .avx512))
    #expect(found(.bfloat16, .amx) == found(.bfloat16, .emulatedAMX))
  }

  @Test(
    "in bfloat16 has the same bits on all levels whose vectors round floats and fuse products",
    arguments: cases)
  private func roundedFloats(size: Case) {
    let levels = ProductLevel.available.filter { $0 != .plain && !$0.takesPairs }
    let found = levels.map { results(Self.engine(.bfloat16, $0), size.inputs, size.form) }
    #expect(found.allSatisfy { $0 == found[0] })
  }

  @Test(
    "has the same bits for any number of threads", arguments: ProductPrecision.allCases,
    ProductLevel.available + [.emulatedAMX])
  func threads(precision: ProductPrecision, level: ProductLevel) {
    // Heads in three groups, tiles and blocks that aren't whole.
    let size = Case(queries: 250, keys: 400, channels: 24, heads: 6, keyValueHeads: 3)
    let engine = Self.engine(precision, level)
    let found = atWidths([1, 2, 3]) { results(engine, size.inputs, size.form) }
    #expect(found[0] == found[1] && found[0] == found[2])
  }

  @Test(
    "of a query has the same bits whichever queries come with it",
    arguments: ProductPrecision.allCases)
  func rows(precision: ProductPrecision) {
    let size = Case(queries: 250, keys: 400, channels: 24)
    let engine = Self.engine(precision, .best)
    let (q, k, v) = (size.inputs[0], size.inputs[1], size.inputs[2])
    let all = engine.attention(q, k, v, size.form)
    for range in [0..<1, 37..<140, 249..<250] {
      #expect(engine.attention(q.rows(range), k, v, size.form) == all.rows(range))
    }
    // Later tokens come with keys of their own, which a causal mask hides.
    let causal = Case(queries: 400, keys: 400, channels: 24, isCausal: true)
    let tokens = causal.inputs
    let whole = engine.attention(tokens[0], tokens[1], tokens[2], causal.form)
    for count in [1, 100, 193, 399] {
      let some = tokens.map { $0.rows(0..<count) }
      #expect(engine.attention(some[0], some[1], some[2], causal.form) == whole.rows(0..<count))
    }
  }

  @Test("keeps what is no number, in its own queries only", arguments: ProductPrecision.allCases)
  func noNumbers(precision: ProductPrecision) {
    let size = Case(queries: 100, keys: 250, channels: 16)
    let engine = Self.engine(precision, .best)
    var (q, k, v) = (size.inputs[0], size.inputs[1], size.inputs[2])
    let clean = engine.attention(q, k, v, size.form)
    q = q.setting((0..<16).map { 7 * 32 + $0 }, to: .nan)
    let found = engine.attention(q, k, v, size.form)
    for (index, value) in found.floats.enumerated() {
      #expect(index / 16 == 14 ? value.isNaN : value == clean.floats[index])
    }
    k = k.setting([240 * 32], to: .nan)
    let all = engine.attention(q, k, v, size.form)
    #expect(engine.columns(0..<16, of: all).floats.allSatisfy { $0.isNaN })
    q = size.inputs[0]
    k = size.inputs[1]
    v = v.setting([3 * 32 + 5], to: .infinity)
    for (index, value) in engine.attention(q, k, v, size.form).floats.enumerated() {
      #expect((value == .infinity) == (index % 32 == 5))
    }
  }

  @Test("gives keys with a bias of minus infinity no weight", arguments: ProductPrecision.allCases)
  func masked(precision: ProductPrecision) {
    // Of 300 keys a query sees itself and those after it; then none.
    let (count, channels) = (300, 8)
    let bias = Tensor(shape: [1, 2 * count - 1], repeating: 0)
      .setting(0..<count - 1, to: -.infinity)
    var form = AttentionForm(heads: 1, scale: 1, relativeBias: bias)
    let inputs = (1...4).map { sample([count, channels], $0) }
    let engine = Self.engine(precision, .best)
    let found = results(engine, inputs, form)
    // Backwards, that is a causal mask. Either result is off by 1e-6 in float32; by 2^-8 in bfloat16, where
    // roundings differ as they are of weights beside the largest one so far.
    let backwards = inputs.map { $0.reversedRows }
    let causal = results(engine, backwards, AttentionForm(heads: 1, scale: 1, isCausal: true))
    for (found, causal) in zip(found, causal) {
      #expect(
        relativeError(found.floats, causal.reversedRows.floats)
          < (precision == .float32 ? 2e-6 : 4e-3))
    }
    form.relativeBias = Tensor(shape: [1, 2 * count - 1], repeating: -.infinity)
    let hidden = results(engine, inputs, form)
    #expect(hidden == inputs.map { Tensor(shape: $0.shape, repeating: 0) })
  }

  @Test("takes scores that leave one key with all the weight", arguments: [1e6, 1e30] as [Float])
  func largeScores(scale: Float) {
    let size = Case(queries: 60, keys: 300, channels: 4, heads: 1, keyValueHeads: 1)
    var form = size.form
    form.scale = scale
    let (q, k, v) = (size.inputs[0], size.inputs[1], size.inputs[2])
    let found = Self.engine(.float32, .best).attention(q, k, v, form)
    let (queries, keys) = (q.floats, k.floats)
    for row in 0..<60 {
      let scores = (0..<300).map { key in
        (0..<4).reduce(Float(0)) { $0 + queries[row * 4 + $1] * keys[key * 4 + $1] }
      }
      let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
      #expect(found.rows(row..<row + 1).floats == v.rows(best..<best + 1).floats)
    }
  }

  @Test("without keys is zero, and without queries is nothing")
  func empty() {
    let form = AttentionForm(heads: 2, scale: 1)
    let (none, some) = (Tensor(shape: [0, 8], []), sample([3, 8], 1))
    for found in results(HostEngine(), [some, none, none, some], form).prefix(2) {
      #expect(found == Tensor(shape: [3, 8], repeating: 0))
    }
    let found = results(HostEngine(), [none, some, some, none], form)
    #expect(found[0] == none && found[1] == none)
    #expect(found[2] == Tensor(shape: [3, 8], repeating: 0) && found[2] == found[3])
  }
}

/// The kernels between the products.
@Suite("Attention's kernels")
struct AttentionKernelTests {
  private let width = Int(CK_TILE_COLUMNS)

  @Test("compute powers of two within 2 units of the last place")
  func powers() {
    // The first key's score is the largest.
    let exponents = (0..<20_000).map { -Float($0) * 126 / 20_000 - Float($0 % 7) * 1e-4 }
    let beyond: [Float] = [-126.01, -150, -1e30, -.infinity, .nan]
    for part in (exponents.map { max($0, -126) } + beyond).chunks(of: width - 1) {
      var scores = [Float](repeating: 0, count: 2 * width)
      for (lane, exponent) in part.enumerated() { scores[width + lane] = exponent }
      var largest = [Float](repeating: -.infinity, count: width)
      var (sum, correction) = ([Float](repeating: 0, count: width), largest)
      unsafe ck_attention_weights(&scores, 2, 1, &largest, &sum, &correction)
      for (lane, exponent) in part.enumerated() {
        let found = scores[width + lane]
        #expect(scores[lane] == 1)
        guard exponent >= -126 else {
          #expect(exponent.isNaN ? found.isNaN && sum[lane].isNaN : found == 0)
          continue
        }
        let expected = exponential(Double(exponent) * 0.693_147_180_559_945_3)
        #expect(abs(Double(found) - expected) <= 2 * Double(Float(expected).ulp))
      }
    }
  }

  @Test("store what is wanted and nothing beside it", arguments: [(1, 1), (17, 33), (40, 48)])
  func store(rows: Int, columns: Int) {
    let sums = sample([rows, width], 1).floats
    let factors = sample([width], 2).floats
    let stride = rows + 3
    var y = [Float](repeating: 9, count: (columns + 1) * stride)
    unsafe ck_attention_store(sums, rows, columns, factors, &y, stride)
    for (index, value) in y.enumerated() {
      let (column, row) = (index / stride, index % stride)
      let isInside = column < columns && row < rows
      #expect(value == (isInside ? sums[row * width + column] * factors[column] : 9))
    }
  }
}

extension Tensor {
  /// The last row first.
  fileprivate var reversedRows: Tensor {
    Tensor(
      shape: shape,
      (0..<rows).reversed().flatMap { floats[$0 * columns..<($0 + 1) * columns] })
  }
}

extension [Float] {
  fileprivate func chunks(of size: Int) -> [ArraySlice<Float>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min(count, $0 + size)] }
  }
}

extension Tensor {
  /// The same with some floats set to a value.
  fileprivate func setting(_ indices: some Sequence<Int>, to value: Float) -> Tensor {
    var changed = floats
    for index in indices { changed[index] = value }
    return Tensor(shape: shape, changed)
  }
}
