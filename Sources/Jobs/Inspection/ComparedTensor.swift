internal import Checkpoints
internal import Elements
internal import Tensors

/// A tensor as it takes part in a comparison: one of the file, or the rows of one that a canonical
/// module has in it.
struct ComparedTensor: Sendable {
  let name: String
  let dtype: DType
  let shape: [Int]
  /// Where its elements are, in order.
  let runs: [Run]

  /// Elements that lie one after the other in a tensor of the file.
  struct Run: Sendable {
    let elements: Range<Int>
    let tensor: TensorView
    /// Where the first of them is in the tensor.
    let offset: Int
  }

  /// A whole tensor.
  init(_ tensor: TensorView, name: String) {
    self.name = name
    dtype = tensor.dtype
    shape = tensor.shape
    runs = [Run(elements: 0..<tensor.elementCount, tensor: tensor, offset: 0)]
  }

  /// The rows of a tensor that belong to a module; nil when it hasn't so many.
  init?(_ tensor: TensorView, name: String, placement: WeightPlacement) {
    guard let rows = tensor.shape.first, placement.firstRow + placement.rowCount <= rows else {
      return nil
    }
    let columns = rows == 0 ? 0 : tensor.elementCount / rows
    self.name = name
    dtype = tensor.dtype
    shape = [placement.rowCount] + tensor.shape.dropFirst()
    runs = placement.runs.map { rows, tensorRow in
      Run(
        elements: rows.lowerBound * columns..<rows.upperBound * columns, tensor: tensor,
        offset: tensorRow * columns)
    }
  }

  var elementCount: Int { shape.elementCount }
}

/// The same elements of two tensors, one after the other in both.
struct ComparedPortion: Sendable {
  let left: TensorView
  let leftBytes: Range<Int>
  let right: TensorView
  let rightBytes: Range<Int>

  /// All elements of two tensors of the same shape, cut where the runs of either end and after so
  /// many elements.
  static func portions(
    _ left: ComparedTensor, _ right: ComparedTensor, elementCount: Int
  ) -> [ComparedPortion] {
    var portions: [ComparedPortion] = []
    for leftRun in left.runs {
      for rightRun in right.runs {
        let both = leftRun.elements.clamped(to: rightRun.elements)
        for start in stride(from: both.lowerBound, to: both.upperBound, by: elementCount) {
          let elements = start..<min(both.upperBound, start + elementCount)
          portions.append(
            ComparedPortion(
              left: leftRun.tensor, leftBytes: leftRun.bytes(of: elements),
              right: rightRun.tensor, rightBytes: rightRun.bytes(of: elements)))
        }
      }
    }
    return portions
  }

  /// Runs the body with both parts' bytes.
  func withBytes<Value>(_ body: (RawSpan, RawSpan) throws -> Value) throws -> Value {
    try left.withBytes(leftBytes) { leftBytes in
      try right.withBytes(rightBytes) { rightBytes in try body(leftBytes, rightBytes) }
    }
  }
}

extension ComparedTensor.Run {
  fileprivate func bytes(of elements: Range<Int>) -> Range<Int> {
    let start = elements.lowerBound - self.elements.lowerBound + offset
    let bits = tensor.dtype.bitCount
    // Types of fewer than eight bits are compared whole.
    return start * bits / 8..<(start + elements.count) * bits / 8
  }
}
