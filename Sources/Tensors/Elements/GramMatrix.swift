internal import CKernels

/// xᵀ · x of a matrix that comes in pieces, in double precision.
///
/// The result depends on the pieces' sizes in its last bits, and on nothing else.
package struct GramMatrix: Sendable {
  /// Columns of x.
  package let order: Int
  /// ``order`` rounded up to what the kernel takes at a time.
  private let stride: Int
  private var sums: [Double]
  private var piece: [Float] = []

  /// The Gram matrix of a matrix without rows.
  package init(order: Int) {
    self.order = order
    stride = (order + 7) / 8 * 8
    sums = Array(repeating: 0, count: stride * stride)
  }

  /// Adds rows of x.
  ///
  /// - Parameters:
  ///   - rowCount: how many.
  ///   - fill: writes the rows, each beginning a given number of elements after the one before it,
  ///     into a buffer of zeros.
  package mutating func add(
    rowCount: Int, _ fill: (_ rows: inout MutableSpan<Float>, _ stride: Int) -> Void
  ) {
    guard rowCount > 0, order > 0 else { return }
    if piece.count != rowCount * stride {
      piece = Array(repeating: 0, count: rowCount * stride)
    }
    let rowLength = stride
    var rows = piece.mutableSpan
    fill(&rows, rowLength)
    unsafe piece.withUnsafeBufferPointer { piece in
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        guard let piece = piece.baseAddress, let sums = sums.baseAddress else { return }
        unsafe ck_add_gram(piece, rowCount, rowLength, sums)
      }
    }
  }

  /// The inner product of two columns of x.
  package subscript(i: Int, j: Int) -> Double { sums[min(i, j) * stride + max(i, j)] }
}

/// The sum of a[i] · b[i].
package func innerProduct(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count, "vectors of one length")
  return unsafe a.withUnsafeBufferPointer { a in
    unsafe b.withUnsafeBufferPointer { b in
      guard let left = a.baseAddress, let right = b.baseAddress else { return 0 }
      return unsafe ck_dot_f64(left, right, a.count)
    }
  }
}

/// y[i] -= factor · x[i].
package func subtract(_ factor: Double, _ x: [Double], from y: inout [Double]) {
  precondition(x.count == y.count, "vectors of one length")
  unsafe x.withUnsafeBufferPointer { x in
    unsafe y.withUnsafeMutableBufferPointer { y in
      guard let from = x.baseAddress, let to = y.baseAddress else { return }
      unsafe ck_subtract_f64(factor, from, to, x.count)
    }
  }
}
