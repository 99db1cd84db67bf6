internal import CKernels
internal import Concurrency

/// c = factor · op(a) · op(b) + (accumulate ? c : 0) on the calling thread, by the program's own kernels; as
/// ``multiplyOnOneThread(m:n:k:_:transposeA:_:transposeB:factor:accumulate:into:)`` has it, for where OpenBLAS
/// isn't there; the last argument is the instructions that are used.
package func multiplyByOwnKernels(
  m: Int, n: Int, k: Int, _ a: MatrixView, transposeA: Bool, _ b: MatrixView, transposeB: Bool,
  factor: Float, accumulate: Bool, into c: MutableMatrixView, level: ProductLevel = .best
) {
  let (tileRows, tileColumns) = (Int(CK_TILE_ROWS), Int(CK_TILE_COLUMNS))
  let leftCount = (m + tileRows - 1) / tileRows * tileRows * k
  let bytes = MemoryLayout<Float>.stride * (leftCount + tileColumns * k)
  unsafe Scratch.withBytes(max(bytes, 64)) { scratch in
    let left = unsafe scratch.assumingMemoryBound(to: Float.self)
    let right = unsafe left + leftCount
    if transposeA {
      unsafe ck_pack_left_transposed_f32(a.start, a.stride, m, k, left)
    } else {
      for row in stride(from: 0, to: m, by: tileRows) {
        unsafe ck_pack_left_f32(
          a.start + row * a.stride, a.stride, min(tileRows, m - row), k, left + row * k)
      }
    }
    if factor != 1 { for index in 0..<leftCount { unsafe left[index] *= factor } }
    for column in stride(from: 0, to: n, by: tileColumns) {
      let columns = min(tileColumns, n - column)
      if transposeB {
        unsafe ck_pack_right_transposed_f32(
          b.start + column * b.stride, b.stride, columns, k, right)
      } else {
        unsafe ck_pack_right_f32(b.start + column, b.stride, columns, k, right)
      }
      for row in stride(from: 0, to: m, by: tileRows) {
        unsafe ck_product_tile_f32(
          level.kernels, left + row * k, right, k, c.start + row * c.stride + column, c.stride,
          min(tileRows, m - row), columns, accumulate ? 1 : 0)
      }
    }
  }
}
