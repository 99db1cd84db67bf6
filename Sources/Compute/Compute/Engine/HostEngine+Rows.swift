internal import CKernels
internal import Concurrency

/// Norms, vectors that act on every row, and sums over rows.
extension HostEngine {
  package func normalize(_ x: Tensor, _ form: NormForm) -> Normalized {
    let width = form.width
    var reciprocals = [Float](repeating: 0, count: x.count / width)
    let values = unsafe reciprocals.withUnsafeMutableBufferPointer { reciprocals in
      let to = reciprocals.baseAddress
      return unsafe mapRows(x, width: width) { input, output, rows, first in
        guard let to = unsafe to else { return }
        unsafe ck_normalize_rows(
          input, output, to + first, rows, width, form.epsilon, form.isCentred ? 1 : 0)
      }
    }
    return Normalized(
      values: values, reciprocals: Tensor(shape: [reciprocals.count], reciprocals))
  }

  package func normalizeBackward(
    _ normalized: Normalized, _ form: NormForm, gradient dy: Tensor
  ) -> Tensor {
    let width = form.width
    return unsafe normalized.values.withFloats { values in
      unsafe normalized.reciprocals.withFloats { reciprocals in
        unsafe mapRows(dy, width: width) { gradient, output, rows, first in
          guard let y = values.baseAddress, let r = reciprocals.baseAddress else { return }
          unsafe ck_normalize_backward_rows(
            gradient, y + first * width, r + first, output, rows, width, form.isCentred ? 1 : 0)
        }
      }
    }
  }

  package func scaleRows(
    _ x: Tensor, by scale: Tensor, offset: Float, shift: Tensor?
  ) -> Tensor {
    let width = scale.count
    precondition(shift.map { $0.count == width } ?? true, "scale and shift must agree")
    return unsafe scale.withFloats { scale in
      unsafe (shift ?? .empty).withFloats { shiftBuffer in
        let shiftStart = shift == nil ? nil : shiftBuffer.baseAddress
        return unsafe mapRows(x, width: width, cost: 2) { input, output, rows, _ in
          guard let start = scale.baseAddress else { return }
          unsafe ck_scale_shift_rows(input, start, offset, shiftStart, output, rows, width)
        }
      }
    }
  }

  /// On one thread, so that sums have one order.
  package func columnSums(_ a: Tensor, times b: Tensor?) -> Tensor {
    precondition(b.map { $0.shape == a.shape } ?? true, "shapes must agree")
    var sums = Tensor(shape: [a.columns], repeating: 0)
    let (rows, columns) = (a.rows, a.columns)
    unsafe sums.withMutableFloats { sums in
      unsafe a.withFloats { a in
        unsafe (b ?? .empty).withFloats { bBuffer in
          guard let from = a.baseAddress, let to = sums.baseAddress else { return }
          unsafe ck_column_sums(from, b == nil ? nil : bBuffer.baseAddress, to, rows, columns)
        }
      }
    }
    return sums
  }

  package func gatedSum(_ residual: Tensor, _ x: Tensor, gate: Tensor) -> Tensor {
    let channels = x.columns
    return unsafe gate.withFloats { gate in
      unsafe residual.withFloats { residual in
        unsafe mapRows(x, width: channels, cost: 2) { input, output, rows, first in
          guard let gate = gate.baseAddress, let residual = residual.baseAddress else { return }
          unsafe ck_gated_sum_rows(
            residual + first * channels, input, gate, output, rows, channels)
        }
      }
    }
  }

  package func add(_ vector: Tensor, toRowsOf x: inout Tensor) {
    precondition(vector.count == x.columns, "the vector must be [columns]")
    let (rows, columns) = (x.rows, x.columns)
    unsafe x.withMutableFloats { y in
      unsafe vector.withFloats { b in
        Parallel.forEachRange(
          of: rows, size: rowsPerCall(width: columns), work: rows * columns
        ) { rows in
          for row in rows {
            for column in 0..<columns { unsafe y[row * columns + column] += b[column] }
          }
        }
      }
    }
  }
}

extension Tensor {
  /// Stands in for one that is not given.
  fileprivate static let empty = Tensor(shape: [0], [])
}
