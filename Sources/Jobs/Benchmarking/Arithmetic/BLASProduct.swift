internal import COpenBLAS
package import Compute
internal import Concurrency

#if canImport(Glibc)
  internal import Glibc
#endif

/// OpenBLAS's float32 product over a weight that is float32 already, on as many threads as the program
/// has: the most that it can do, without the widening that a stored weight needs.
package final class BLASProduct {
  private let x: Tensor
  private let weight: [Float]
  private let shape: ProductShape
  private let isForward: Bool
  /// The last product; kept from run to run, because new pages cost time.
  package private(set) var result: [Float]

  /// x · wᵀ forwards, x · w backwards.
  package init(_ x: Tensor, _ weight: [Float], _ shape: ProductShape, isForward: Bool) {
    self.x = x
    self.weight = weight
    self.shape = shape
    self.isForward = isForward
    result = [Float](repeating: 0, count: x.rows * (isForward ? shape.outputs : shape.inputs))
  }

  /// The product, timed.
  var contender: Contender {
    let operations = 2 * Double(x.rows) * Double(shape.outputs) * Double(shape.inputs)
    return Contender(
      name: "OpenBLAS float32", operations: operations, finish: Self.rest, run: multiply)
  }

  /// OpenBLAS's threads turn round for a while before they sleep, which would count as computing.
  private static func rest() {
    if Parallel.threadCount > 1 { usleep(100_000) }
  }

  /// Computes it; only where ``OpenBLAS/isThere``, whose first look opens it.
  package func multiply() {
    precondition(OpenBLAS.isThere, "OpenBLAS's product where there is no OpenBLAS")
    ob_set_thread_count(Int32(clamping: Parallel.threadCount))
    // Everything else calls it on threads of its own.
    defer { ob_set_thread_count(1) }
    let (m, k) = (x.rows, x.columns)
    let n = result.count / m
    unsafe x.withFloats { x in
      unsafe ob_sgemm(
        OB_ROW_MAJOR, OB_PLAIN, isForward ? OB_TRANSPOSED : OB_PLAIN, ob_int(m), ob_int(n),
        ob_int(k), 1, x.baseAddress, ob_int(k), weight, ob_int(shape.inputs), 0, &result,
        ob_int(n))
    }
  }
}
