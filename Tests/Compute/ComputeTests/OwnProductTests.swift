import Compute
import Testing

/// What stands in for OpenBLAS's products of tensors in memory. Whole numbers, so that every order of adding
/// gives the same result.
@Suite("Products by the program's own kernels")
struct OwnProductTests {
  @Test("are right in every transposition", arguments: ProductLevel.available)
  func products(level: ProductLevel) {
    #expect(
      KernelTrial.passes { size, a, transposeA, b, transposeB in
        multiply(size, a, transposeA, b, transposeB, factor: 1, into: nil, level)
      })
  }

  @Test("are multiplied by a factor and added to what is there")
  func accumulated() {
    // [1 2; 3 4] · [5 6; 7 8] = [19 22; 43 50].
    let found = multiply(
      (2, 2, 2), [1, 2, 3, 4], false, [5, 6, 7, 8], false, factor: 3, into: [1000, 100, 10, 1],
      .best)
    #expect(found == [1057, 166, 139, 151])
  }

  private func multiply(
    _ size: (m: Int, n: Int, k: Int), _ a: [Float], _ transposeA: Bool, _ b: [Float],
    _ transposeB: Bool, factor: Float, into old: [Float]?, _ level: ProductLevel
  ) -> [Float] {
    let (m, n, k) = size
    var c = old ?? [Float](repeating: .nan, count: m * n)
    unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        unsafe c.withUnsafeMutableBufferPointer { c in
          unsafe multiplyByOwnKernels(
            m: m, n: n, k: k, MatrixView(start: a.baseAddress!, stride: transposeA ? m : k),
            transposeA: transposeA, MatrixView(start: b.baseAddress!, stride: transposeB ? k : n),
            transposeB: transposeB, factor: factor, accumulate: old != nil,
            into: MutableMatrixView(start: c.baseAddress!, stride: n), level: level)
        }
      }
    }
    return c
  }
}
