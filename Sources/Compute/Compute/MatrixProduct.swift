internal import COpenBLAS
internal import Concurrency
internal import Synchronization

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

/// c = factor · op(a) · op(b) + (accumulate ? c : 0) on the calling thread, through OpenBLAS.
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
  useOneBLASThread()
  unsafe cblas_sgemm(
    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
    blasint(m), blasint(n), blasint(k), factor, a.start, blasint(a.stride), b.start,
    blasint(b.stride), accumulate ? 1 : 0, c.start, blasint(c.stride))
}

/// Makes OpenBLAS run everything on the thread that calls it: its own threads change the bits with
/// their number. To be called before any other function of OpenBLAS.
package func useOneBLASThread() { _ = usesOneThread }

private let usesOneThread: Void = openblas_set_num_threads(1)

/// A dense product of tensors in memory: op(a) · op(b) times a factor.
///
/// - Parameters:
///   - a: `[m, k]`, or `[k, m]` when transposed.
///   - transposeA: whether op(a) is the transpose of a.
///   - b: `[k, n]`, or `[n, k]` when transposed.
///   - transposeB: whether op(b) is the transpose of b.
///   - factor: multiplies the product.
/// - Returns: `[m, n]`.
public func product(
  _ a: Tensor, transposeA: Bool = false, _ b: Tensor, transposeB: Bool = false, factor: Float = 1
) -> Tensor {
  let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
  let (n, inner) = transposeB ? (b.rows, b.columns) : (b.columns, b.rows)
  precondition(inner == k, "inner sizes must agree")
  return unsafe Tensor(shape: [m, n]) { c in
    unsafe a.elements.withUnsafeBufferPointer { a in
      unsafe b.elements.withUnsafeBufferPointer { b in
        guard let aStart = a.baseAddress, let bStart = b.baseAddress, let cStart = c.baseAddress
        else { return unsafe c.initialize(repeating: 0) }
        let (aStride, bStride) = (transposeA ? m : k, transposeB ? k : n)
        ProductMeter.measure(m: m, n: n, k: k) {
          Parallel.forEachRange(of: m, size: panelSize(m), work: 2 * m * n * k) { rows in
            unsafe multiplyOnOneThread(
              m: rows.count, n: n, k: k,
              MatrixView(
                start: aStart + rows.lowerBound * (transposeA ? 1 : aStride), stride: aStride),
              transposeA: transposeA, MatrixView(start: bStart, stride: bStride),
              transposeB: transposeB, factor: factor,
              into: MutableMatrixView(start: cStart + rows.lowerBound * n, stride: n))
          }
        }
      }
    }
  }
}

/// Width of the panels that an axis is cut into: at most 512 and as even as multiples of 16 allow,
/// an even number of panels where there is more than one. Depends on the axis alone.
package func panelSize(_ count: Int) -> Int {
  var panels = (count + 511) / 512
  if panels > 1, panels % 2 == 1 { panels += 1 }
  let even = (count + max(panels, 1) - 1) / max(panels, 1)
  return max(16, (even + 15) / 16 * 16)
}

/// Time and arithmetic spent in matrix products since the last reset; off until switched on.
public enum ProductMeter {
  /// What has been spent.
  public struct Reading: Sendable {
    /// Wall time inside products, as their callers saw it.
    public var seconds = 0.0
    /// Floating-point operations, two for each multiplication with its addition.
    public var operations = 0.0
  }

  private static let isOn = Atomic<Bool>(false)
  private static let total = Mutex<Reading>(Reading())

  /// Starts counting from zero.
  public static func start() {
    total.withLock { $0 = Reading() }
    isOn.store(true, ordering: .relaxed)
  }

  /// What has been counted.
  public static var reading: Reading { total.withLock { $0 } }

  static func measure(m: Int, n: Int, k: Int, _ body: () -> Void) {
    guard isOn.load(ordering: .relaxed) else { return body() }
    let begin = ContinuousClock.now
    body()
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    total.withLock {
      $0.seconds += seconds
      $0.operations += 2 * Double(m) * Double(n) * Double(k)
    }
  }
}
