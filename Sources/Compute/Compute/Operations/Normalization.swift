internal import CKernels

extension Tape {
  /// (x - mean) / sqrt(variance + epsilon) · weight + bias over the channels of each token.
  ///
  /// - Parameters:
  ///   - x: `[tokens, channels]`.
  ///   - weight: `[channels]`; nil for a norm without affine part.
  ///   - bias: `[channels]`; needs a weight.
  ///   - epsilon: added to the variance.
  /// - Returns: `[tokens, channels]`.
  public func layerNorm(_ x: Variable, weight: Tensor?, bias: Tensor?, epsilon: Float) -> Variable {
    precondition(weight != nil || bias == nil, "a bias needs a weight")
    let norm = Normalized(x.tensor, width: x.tensor.columns, epsilon: epsilon, isCentred: true)
    let y = weight.map { scaleRows(norm.values, by: $0, shift: bias) } ?? norm.values
    return record(y, from: [x]) { dy in
      [norm.backward(weight.map { scaleRows(dy, by: $0, shift: nil) } ?? dy)]
    }
  }

  /// x / sqrt(mean square + epsilon) · weight over groups of as many channels as the weight has:
  /// whole tokens, or each head by itself.
  ///
  /// - Parameters:
  ///   - x: `[tokens, channels]`, channels a multiple of the weight's count.
  ///   - weight: `[width]`.
  ///   - epsilon: added to the mean square.
  /// - Returns: of the shape of x.
  public func rmsNorm(_ x: Variable, weight: Tensor, epsilon: Float) -> Variable {
    let norm = Normalized(x.tensor, width: weight.count, epsilon: epsilon, isCentred: false)
    return record(scaleRows(norm.values, by: weight, shift: nil), from: [x]) { dy in
      [norm.backward(scaleRows(dy, by: weight, shift: nil))]
    }
  }
}

/// Normalised rows and what their gradient needs.
struct Normalized {
  let values: Tensor
  /// One a row: 1 / sqrt(variance + epsilon).
  private let reciprocals: [Float]
  private let width: Int
  private let isCentred: Bool

  init(_ x: Tensor, width: Int, epsilon: Float, isCentred: Bool) {
    self.width = width
    self.isCentred = isCentred
    var reciprocals = [Float](repeating: 0, count: x.count / width)
    values = unsafe reciprocals.withUnsafeMutableBufferPointer { reciprocals in
      let to = reciprocals.baseAddress
      return unsafe mapRows(x, width: width) { input, output, rows, first in
        guard let to = unsafe to else { return }
        unsafe ck_normalize_rows(
          input, output, to + first, rows, width, epsilon, isCentred ? 1 : 0)
      }
    }
    self.reciprocals = reciprocals
  }

  func backward(_ dy: Tensor) -> Tensor {
    unsafe values.elements.withUnsafeBufferPointer { values in
      unsafe reciprocals.withUnsafeBufferPointer { reciprocals in
        unsafe mapRows(dy, width: width) { gradient, output, rows, first in
          guard let y = values.baseAddress, let r = reciprocals.baseAddress else { return }
          unsafe ck_normalize_backward_rows(
            gradient, y + first * width, r + first, output, rows, width, isCentred ? 1 : 0)
        }
      }
    }
  }
}

/// x · (offset + scale) + shift, with vectors that repeat over rows of their own width.
func scaleRows(_ x: Tensor, by scale: Tensor, offset: Float = 0, shift: Tensor?) -> Tensor {
  let width = scale.count
  precondition(shift.map { $0.count == width } ?? true, "scale and shift must agree")
  return unsafe scale.elements.withUnsafeBufferPointer { scale in
    unsafe (shift?.elements ?? []).withUnsafeBufferPointer { shiftBuffer in
      let shiftStart = shift == nil ? nil : shiftBuffer.baseAddress
      return unsafe mapRows(x, width: width, cost: 2) { input, output, rows, _ in
        guard let start = scale.baseAddress else { return }
        unsafe ck_scale_shift_rows(input, start, offset, shiftStart, output, rows, width)
      }
    }
  }
}

/// Sums over rows of a · b, or of a: `[columns]`. Runs on one thread, so that sums have one order.
func columnSums(_ a: Tensor, times b: Tensor? = nil) -> Tensor {
  precondition(b.map { $0.shape == a.shape } ?? true, "shapes must agree")
  var sums = Tensor(shape: [a.columns], repeating: 0)
  let (rows, columns) = (a.rows, a.columns)
  unsafe sums.elements.withUnsafeMutableBufferPointer { sums in
    unsafe a.elements.withUnsafeBufferPointer { a in
      unsafe (b?.elements ?? []).withUnsafeBufferPointer { bBuffer in
        guard let from = a.baseAddress, let to = sums.baseAddress else { return }
        unsafe ck_column_sums(from, b == nil ? nil : bBuffer.baseAddress, to, rows, columns)
      }
    }
  }
  return sums
}
