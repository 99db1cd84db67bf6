/// Some rows and columns of a weight as products pack them: float32, or bfloat16 where their file has them.
@unsafe enum WeightBlock {
  case floats(MatrixView)
  case bfloat16(BFloat16View)

  /// What is left of it from a row and a column on.
  func from(row: Int, column: Int) -> WeightBlock {
    switch unsafe self {
    case .floats(let view):
      unsafe .floats(
        MatrixView(start: view.start + row * view.stride + column, stride: view.stride))
    case .bfloat16(let view):
      unsafe .bfloat16(
        BFloat16View(start: view.start + row * view.stride + column, stride: view.stride))
    }
  }
}

/// A view of a row-major matrix of bfloat16 numbers: rows may lie apart.
@unsafe struct BFloat16View {
  /// The first element.
  let start: UnsafePointer<UInt16>
  /// Elements from one row to the next.
  let stride: Int
}
