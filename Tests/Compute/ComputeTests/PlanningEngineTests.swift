import Compute
import Concurrency
import Elements
import TestSupport
import Testing

/// Memory and arithmetic of a run on shapes alone, against sums made by hand.
@Suite("Plans of a computation")
struct PlanningEngineTests {
  private let ledger = WorkLedger()
  private var engine: PlanningEngine { PlanningEngine(ledger) }

  private func weight(_ rows: Int, _ columns: Int) -> LinearLayer {
    LinearLayer(name: "layer", weight: Weight(Tensor(shape: [rows, columns], repeating: 0)))
  }

  private func tape(_ mode: Tape.Mode, _ adapters: AttachedAdapters = [:]) -> Tape {
    Tape(mode: mode, engine: engine, adapters: adapters, factorGradients: FactorGradientStore())
  }

  @Test func countsWhatIsHeldAtOneTime() {
    let tape = tape(.inference)
    let widen = weight(40, 10), narrow = weight(10, 40)
    func run() {
      var x = Variable(constant: engine.placeholder([6, 10]))
      for _ in 0..<3 { x = tape.linear(tape.activated(tape.linear(x, widen), .silu), narrow) }
    }
    run()
    // The input of a layer, and before and after the activation.
    #expect(ledger.peakByteCount == 4 * 6 * (10 + 40 + 40))
    #expect(ledger.work.productOperations == Double(3 * 2 * 2 * 6 * 10 * 40))
    #expect(ledger.work.writtenBytes == Double(4 * 6 * (10 + 3 * (40 + 40 + 10))))
  }

  @Test func countsWhatGradientsNeed() {
    let factors = LowRankFactors(
      down: engine.placeholder([2, 10]), up: engine.placeholder([10, 2]), scale: 1,
      isTrainable: true)
    #expect(ledger.peakByteCount == 4 * 40)
    let tape = tape(.recording, ["layer": [factors]])
    var x = Variable(constant: engine.placeholder([6, 10]))
    for _ in 0..<4 { x = tape.linear(x, weight(10, 10)) }
    // Of each: its input and the rank's activations. The last output, what the adapter adds to it, and the
    // factors.
    #expect(ledger.peakByteCount == 4 * (4 * 6 * (10 + 2) + 2 * 6 * 10 + 40))
    #expect(tape.keptByteCount == 4 * 4 * 6 * (10 + 2))
  }

  @Test func countsWhatIsKeptRounded() {
    let host = HostEngine(products: ProductSettings(precision: .bfloat16))
    let engine = PlanningEngine(ledger, for: host)
    let tape = Tape(
      mode: .recording, engine: engine, adapters: [:], factorGradients: FactorGradientStore())
    let form = AttentionForm(heads: 2, scale: 1)
    var x = tape.variable(engine.placeholder([6, 10]))
    for _ in 0..<4 { x = tape.attention(x, x, x, form) }
    // The input of each, once, while that of the last and its output are there as floats.
    #expect(tape.keptByteCount == 4 * 2 * 60)
    #expect(ledger.peakByteCount == 4 * 2 * 60 + 2 * 4 * 60)
    // Of the last: its gradient, its input as floats while the other gradients are made of it, and these.
  }

  @Test func attentionCountsAsPeersCount() {
    let tape = tape(.inference)
    let form = AttentionForm(heads: 3, scale: 1)
    let q = Variable(constant: engine.placeholder([5, 12]))
    let k = Variable(constant: engine.placeholder([7, 12]))
    _ = tape.attention(q, k, k, form)
    #expect(ledger.work.attentionOperations == Double(4 * 5 * 7 * 12))
    #expect(ledger.work.operations == Double(4 * 5 * 7 * 12))
  }

  /// How a product is computed, and numbers of its left operand and its right one, packed, and of sums.
  private struct Packing: CustomTestStringConvertible, Sendable {
    let level: ProductLevel
    let precision: ProductPrecision
    let dtype: DType
    let left: Int
    let right: Int
    var sums = 0

    var testDescription: String { "\(level), \(precision), \(dtype)" }
  }

  /// Steps of a number's place on AVX-512 BF16, which not all processors take pairs on.
  private static let perItem = ProductLevel.avx512BF16.takesPairs ? 2 : 1

  // 40 rows fill 5 panels of 8 or 2 of 32, 100 columns fill 3 of 48 or 4 of 32, and 600 steps are blocks of 512
  // and 88, or 96 of them where 32 are multiplied together. One thread takes all columns, of several each fewer.
  private static let packings = [
    Packing(level: .avx2, precision: .float32, dtype: .bf16, left: 40 * 600, right: 144 * 512),
    Packing(level: .avx2, precision: .bfloat16, dtype: .bf16, left: 40 * 600, right: 144 * 512),
    Packing(
      level: .avx512BF16, precision: .bfloat16, dtype: .bf16, left: 40 * 600 / perItem,
      right: 144 * 512 / perItem),
    Packing(
      level: .amx, precision: .float32, dtype: .bf16, left: 64 * 912, right: 128 * 256,
      sums: 64 * 128),
    Packing(level: .amx, precision: .float32, dtype: .f16, left: 40 * 600, right: 144 * 512),
    Packing(
      level: .amx, precision: .bfloat16, dtype: .f16, left: 64 * 304, right: 128 * 256,
      sums: 64 * 128),
  ]

  @Test("count what products borrow for every form of panels", arguments: packings)
  private func panels(packing: Packing) {
    let host = HostEngine(
      products: ProductSettings(precision: packing.precision, level: packing.level))
    let engine = PlanningEngine(ledger, for: host)
    let weight = stored(sample([100, 600], 1).floats, [100, 600], as: packing.dtype)
    _ = Parallel.withThreads(1) {
      engine.product(engine.placeholder([40, 600]), transposed: weight)
    }
    #expect(ledger.scratchByteCount(threads: 0) == 4 * packing.left)
    // A block of weights that are no bfloat16 numbers is widened too, and tiles of AMX have their sums.
    let widened = packing.dtype == .bf16 ? 0 : 100 * 512
    let ofThread = widened + packing.right + packing.sums
    #expect(ledger.scratchByteCount(threads: 3) == 4 * (packing.left + 3 * ofThread))
  }

  @Test("count fewer columns for each of several threads")
  func columnsOfThreads() {
    let engine = PlanningEngine(ledger, for: HostEngine(products: ProductSettings(level: .avx2)))
    let weight = stored(sample([100, 600], 1).floats, [100, 600], as: .bf16)
    _ = Parallel.withThreads(3) {
      engine.product(engine.placeholder([40, 600]), transposed: weight)
    }
    #expect(ledger.scratchByteCount(threads: 3) == 4 * (40 * 600 + 3 * 48 * 512))
  }

  @Test("count buffers once that operations borrow after each other")
  func buffersOfSeveral() {
    let host = HostEngine(products: ProductSettings(level: .avx2))
    let engine = PlanningEngine(ledger, for: host)
    func take(rows: Int, _ columns: Int, steps: Int) -> Int {
      let weight = stored(sample([columns, steps], 1).floats, [columns, steps], as: .bf16)
      _ = Parallel.withThreads(1) {
        engine.product(engine.placeholder([rows, steps]), transposed: weight)
      }
      return ledger.scratchByteCount(threads: 2)
    }
    // 40 · 600 numbers for both threads, and 144 · 512 for each.
    #expect(take(rows: 40, 100, steps: 600) == 4 * (40 * 600 + 2 * 144 * 512))
    // A larger left operand takes the place of the first.
    #expect(take(rows: 160, 100, steps: 600) == 4 * (160 * 600 + 2 * 144 * 512))
    // 192 · 512 for each thread, and 8 · 512: the left operand's buffer grows for a thread, and the other's
    // takes the place of one of the smaller ones, of which one is left.
    #expect(take(rows: 8, 192, steps: 512) == 4 * (2 * 192 * 512 + 144 * 512))
    #expect(take(rows: 40, 100, steps: 600) == 4 * (2 * 192 * 512 + 144 * 512))
  }

  @Test("count what a convolution multiplies and borrows")
  func convolutions() {
    let host = HostEngine(products: ProductSettings(level: .avx2))
    let weight = stored(sample([128, 1152], 1).floats, [128, 128, 3, 3], as: .bf16)
    PlanningEngine(ledger, for: host).convolve(
      PixelConvolution(weight: weight, bias: [Float](repeating: 0, count: 128)),
      height: 1024, width: 1024)
    // 512x512 tiles with 16 products of every two channels.
    #expect(ledger.work.productOperations == Double(2 * 512 * 512 * 16 * 128 * 128))
    // As many weights.
    #expect(ledger.scratchByteCount(threads: 0) == 4 * 16 * 128 * 128)
    // The pixels of 12 rows of 32 tiles with those around them, some that are read beyond, and 48 tiles before
    // and after the product.
    #expect(
      ledger.scratchByteCount(threads: 1)
        == 4 * (16 * 128 * 128 + 26 * 66 * 128 + 16 + 2 * 16 * 48 * 128))
  }

  @Test func changesInPlaceTakeNothingWhereNobodyElseLooks() {
    var a = engine.placeholder([8])
    let b = engine.placeholder([8])
    engine.add(b, times: 1, to: &a)
    #expect(ledger.peakByteCount == 2 * 4 * 8)
    let other = a
    engine.add(b, times: 1, to: &a)
    #expect(ledger.peakByteCount == 3 * 4 * 8)
    #expect(ledger.work.writtenBytes == 3 * 4 * 8)
    withExtendedLifetime(other) {}
  }
}
