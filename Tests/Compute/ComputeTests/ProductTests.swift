import Compute
import Elements
import Tensors
import TestSupport
import Testing

private let host = HostEngine()

/// The plain triple loop, in double precision.
private func plainProduct(_ a: [[Double]], _ b: [[Double]]) -> [Float] {
  var result: [Float] = []
  for row in a {
    for column in b[0].indices {
      var sum = 0.0
      for (k, value) in row.enumerated() { sum += value * b[k][column] }
      result.append(Float(sum))
    }
  }
  return result
}

private func matrix(_ tensor: Tensor) -> [[Double]] {
  (0..<tensor.rows).map { row in
    (0..<tensor.columns).map { Double(tensor.floats[row * tensor.columns + $0]) }
  }
}

private func transposed(_ a: [[Double]]) -> [[Double]] {
  a[0].indices.map { column in a.map { $0[column] } }
}

@Suite("A matrix product")
struct ProductTests {
  // 1e-6: a float32 sum of 70 terms is off by a few units of 6e-8.
  @Test(
    "agrees with the plain loop",
    arguments: [(false, false), (false, true), (true, false), (true, true)])
  func dense(transposeA: Bool, transposeB: Bool) {
    let a = sample(transposeA ? [70, 33] : [33, 70], 1)
    let b = sample(transposeB ? [21, 70] : [70, 21], 2)
    let expected = plainProduct(
      transposeA ? transposed(matrix(a)) : matrix(a),
      transposeB ? transposed(matrix(b)) : matrix(b))
    let found = host.product(a, transposeA: transposeA, b, transposeB: transposeB)
    #expect(found.shape == [33, 21])
    #expect(relativeError(found.floats, expected) < 1e-6)
  }

  @Test("with a mapped weight agrees with the plain loop", arguments: [DType.f32, .bf16, .f16])
  func mapped(dtype: DType) throws {
    // 1040 rows: several panels and a remainder; forwards and backwards.
    let values = sample([1040, 24], 3)
    let weight = stored(values.floats, [1040, 24], as: dtype)
    let rounded = matrix(Tensor(shape: [1040, 24], try weight.stored.floats()))
    let x = sample([5, 24], 4)
    #expect(
      relativeError(
        host.product(x, transposed: weight).floats, plainProduct(matrix(x), transposed(rounded)))
        < 1e-6)
    let dy = sample([5, 1040], 5)
    #expect(
      relativeError(host.product(dy, weight).floats, plainProduct(matrix(dy), rounded)) < 1e-6)
  }

  @Test func hasTheSameBitsForAnyNumberOfThreads() {
    let x = sample([40, 300], 1)
    let weight = Weight(sample([1500, 300], 2))
    let form = AttentionForm(heads: 3, scale: 0.1)
    let (q, k, v) = (sample([300, 96], 3), sample([300, 96], 4), sample([300, 96], 5))
    let results = atWidths([1, 2, 3]) {
      let tape = Tape(mode: .recording)
      let inputs = [q, k, v].map { tape.variable($0) }
      let y = tape.attention(inputs[0], inputs[1], inputs[2], form)
      let gradients = tape.runBackward(from: [(y, q)])
      return [
        host.product(x, transposed: weight),
        host.product(host.product(x, transposed: weight), weight),
      ]
        + [y.tensor] + gradients.sorted { $0.key < $1.key }.map(\.value)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test(arguments: [1, 16, 96, 512, 513, 3072, 9216, 12288, 15360, 18432, 21504])
  func panelsAreEven(count: Int) {
    let size = panelSize(count)
    let panels = (count + size - 1) / size
    #expect(size <= 512)
    #expect(panels == 1 || panels % 2 == 0)
  }
}
