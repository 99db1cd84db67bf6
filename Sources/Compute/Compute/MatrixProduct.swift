internal import COpenBLAS

/// A view of a row-major float32 matrix for the product kernels: rows may lie apart.
@unsafe package struct MatrixView {
  /// The first element.
  var start: UnsafePointer<Float>
  /// Elements from one row to the next.
  var stride: Int

  /// A matrix that starts here.
  package init(start: UnsafePointer<Float>, stride: Int) {
    unsafe self.start = start
    unsafe self.stride = stride
  }
}

/// A writable view of a row-major float32 matrix.
@unsafe package struct MutableMatrixView {
  /// The first element.
  var start: UnsafeMutablePointer<Float>
  /// Elements from one row to the next.
  var stride: Int

  /// A matrix that starts here.
  package init(start: UnsafeMutablePointer<Float>, stride: Int) {
    unsafe self.start = start
    unsafe self.stride = stride
  }
}

/// c = factor · op(a) · op(b) + (accumulate ? c : 0) on the calling thread, through OpenBLAS where it is there.
///
/// - Parameters:
///   - m: rows of c and op(a).
///   - n: columns of c and op(b).
///   - k: columns of op(a), rows of op(b).
///   - a: `[m, k]` or, transposed, `[k, m]`.
///   - transposeA: whether op(a) is the transpose of a.
///   - b: `[k, n]` or, transposed, `[n, k]`.
///   - transposeB: whether op(b) is the transpose of b.
///   - factor: multiplies the product.
///   - accumulate: whether the product is added to what c holds.
///   - c: `[m, n]`.
package func multiplyOnOneThread(
  m: Int, n: Int, k: Int, _ a: MatrixView, transposeA: Bool, _ b: MatrixView, transposeB: Bool,
  factor: Float = 1, accumulate: Bool = false, into c: MutableMatrixView
) {
  guard OpenBLAS.isThere else {
    return unsafe multiplyByOwnKernels(
      m: m, n: n, k: k, a, transposeA: transposeA, b, transposeB: transposeB, factor: factor,
      accumulate: accumulate, into: c)
  }
  useOneBLASThread()
  unsafe ob_sgemm(
    OB_ROW_MAJOR, transposeA ? OB_TRANSPOSED : OB_PLAIN, transposeB ? OB_TRANSPOSED : OB_PLAIN,
    ob_int(m), ob_int(n), ob_int(k), factor, a.start, ob_int(a.stride), b.start,
    ob_int(b.stride), accumulate ? 1 : 0, c.start, ob_int(c.stride))
}

/// Makes OpenBLAS run everything on the thread that calls it: its own threads change the bits with
/// their number. To be called before any other function of OpenBLAS, and only where it is there.
package func useOneBLASThread() { _ = usesOneThread }

private let usesOneThread: Void = {
  // Asking opens it.
  precondition(OpenBLAS.isThere, "OpenBLAS isn't there")
  ob_set_thread_count(1)
}()

/// Width of the panels that an axis is cut into: at most 512 and as even as multiples of 16 allow,
/// an even number of panels where there is more than one. Depends on the axis alone.
package func panelSize(_ count: Int) -> Int {
  var panels = (count + 511) / 512
  if panels > 1, panels % 2 == 1 { panels += 1 }
  let even = (count + max(panels, 1) - 1) / max(panels, 1)
  return max(16, (even + 15) / 16 * 16)
}
