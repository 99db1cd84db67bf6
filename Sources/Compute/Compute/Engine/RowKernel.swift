internal import Concurrency

/// Elements that one thread takes of what is computed element by element.
let elementsPerCall = 1 << 15

/// Rows of so many elements that one call of a row-wise kernel takes; results don't depend on it.
func rowsPerCall(width: Int) -> Int { max(1, elementsPerCall / max(1, width)) }

/// A new tensor of a given shape, computed from another tensor of as many rows, some rows at a time
/// on several threads.
///
/// - Parameters:
///   - x: the input `[rows, columns]`, seen with rows of `width` elements.
///   - width: elements of a row; divides the input's count.
///   - cost: rough number of operations an element takes.
///   - body: input, output and number of rows of one portion, and the index of its first row.
/// - Returns: a tensor of the input's shape.
func mapRows(
  _ x: Tensor, width: Int, cost: Int = 8,
  _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Int) -> Void
) -> Tensor {
  precondition(width > 0 && x.count % width == 0, "rows must be whole")
  return unsafe Tensor(shape: x.shape) { output in
    unsafe x.withFloats { input in
      guard let from = input.baseAddress, let to = output.baseAddress else { return }
      let rows = input.count / width
      Parallel.forEachRange(
        of: rows, size: rowsPerCall(width: width), work: cost * input.count
      ) { range in
        unsafe body(
          from + range.lowerBound * width, to + range.lowerBound * width, range.count,
          range.lowerBound)
      }
    }
  }
}

/// A new tensor of the same shape, computed element by element from two.
func zipElements(
  _ a: Tensor, _ b: Tensor, cost: Int = 2,
  _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
) -> Tensor {
  precondition(a.shape == b.shape, "shapes must agree")
  return unsafe Tensor(shape: a.shape) { output in
    unsafe a.withFloats { a in
      unsafe b.withFloats { b in
        guard let a = a.baseAddress, let b = b.baseAddress, let to = output.baseAddress else {
          return
        }
        let count = output.count
        Parallel.forEachRange(of: count, size: elementsPerCall, work: cost * count) { range in
          let first = range.lowerBound
          unsafe body(a + first, b + first, to + first, range.count)
        }
      }
    }
  }
}
