import Compute
import TestSupport
import Testing

@Suite("Parts of tensors")
struct PartsTests {
  private let engine = HostEngine()

  /// A tensor whose elements a closure tells.
  private func tensor(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Float) -> Tensor {
    Tensor(
      shape: [rows, columns],
      (0..<rows).flatMap { row in (0..<columns).map { element(row, $0) } })
  }

  private let x = Tensor(shape: [21, 5], (0..<105).map { Float($0) })
  private let y = Tensor(shape: [21, 3], (0..<63).map { -Float($0) - 1 })

  @Test("are put beside and below each other, taken out again and spread among zeros")
  func places() {
    let wide = engine.concatenateColumns(x, y)
    #expect(wide == tensor(21, 8) { $1 < 5 ? Float($0 * 5 + $1) : -Float($0 * 3 + $1 - 5) - 1 })
    #expect(engine.columns(5..<8, of: wide) == y)
    let long = engine.concatenateRows(x, engine.rows(2..<19, of: x))
    #expect(long == tensor(38, 5) { Float(($0 < 21 ? $0 : $0 - 19) * 5 + $1) })
    #expect(
      engine.spreadRows(y, from: 4, in: [30, 3])
        == tensor(30, 3) { 4..<25 ~= $0 ? -Float(($0 - 4) * 3 + $1) - 1 : 0 })
    // In any order, with gaps before, between and behind.
    #expect(
      engine.spreadColumns([(first: 7, columns: y), (first: 1, columns: x)], in: [21, 12])
        == tensor(21, 12) { row, column in
          switch column {
          case 1..<6: Float(row * 5 + column - 1)
          case 7..<10: -Float(row * 3 + column - 7) - 1
          default: 0
          }
        })
    #expect(
      engine.spreadRows(Tensor(shape: [0, 3], []), from: 2, in: [4, 3]) == engine.zeros([4, 3]))
    #expect(engine.spreadColumns([], in: [4, 3]) == engine.zeros([4, 3]))
  }

  /// Work on several threads gives what it gives on one; each must be divided among all three.
  private func expectSame(_ work: () -> Tensor) {
    let found = atWidths([1, 2, 3], work)
    #expect(found[0] == found[1] && found[0] == found[2])
  }

  @Test("are the same whatever the number of threads")
  func threads() {
    let (x, y) = (sample([3000, 40], 1), sample([3000, 24], 2))
    let wide = engine.concatenateColumns(x, y)
    expectSame { engine.concatenateColumns(x, y) }
    expectSame { engine.columns(1..<60, of: wide) }
    expectSame { engine.concatenateRows(x, x) }
    expectSame { engine.spreadRows(x, from: 1, in: [3100, 40]) }
    expectSame { engine.spreadColumns([(first: 1, columns: x)], in: [3000, 64]) }
  }

  @Test("computed row by row or element by element are the same whatever the number of threads")
  func rows() {
    let (x, dy) = (sample([1200, 96], 3), sample([1200, 96], 4))
    let (scale, shift) = (sample([96], 5), sample([96], 6))
    let form = NormForm(width: 32, epsilon: 1e-6, isCentred: true)
    let table = RotaryTable(
      cosines: sample([1200, 16], 7), sines: sample([1200, 16], 8), pairing: .neighbours)
    let normalized = engine.normalize(x, form)
    expectSame { engine.normalize(x, form).values }
    expectSame { engine.normalizeBackward(normalized, form, gradient: dy) }
    expectSame { engine.scaleRows(x, by: scale, offset: 1, shift: shift) }
    expectSame { engine.gatedSum(x, dy, gate: scale) }
    expectSame { engine.rotate(x, by: table, inverse: false) }
    expectSame { engine.activation(x, .geluTanh) }
    expectSame { engine.activationBackward(x, .geluTanh, gradient: dy) }
    expectSame {
      var sum = x
      engine.add(shift, toRowsOf: &sum)
      return sum
    }
  }

  @Test("that threads share are as long as leaves none of them waiting")
  func portions() {
    func length(_ count: Int, _ threads: Int) -> Int {
      count.portionLength(atMost: 192, step: 48, overhead: 11, among: threads)
    }
    // By hand: rounds of the busiest thread times items and overhead.
    #expect([1, 2, 16].map { length(3072, $0) } == [192, 192, 192])
    #expect(length(3072, 24) == 144)  // 22 portions: 1 x 155; of 192 16 portions: 203; of 48 3 x 59
    #expect(length(3072, 32) == 96)
    #expect(length(3072, 64) == 48)
    #expect(length(64, 2) == 48)
    #expect(length(0, 2) == 192)
  }
}
