internal import Elements
internal import Files
internal import SystemPackage

/// A matrix of elements of a byte each that a file keeps with its axes exchanged.
struct TransposedContent: TensorContent {
  let file: FilePath
  /// The matrix as it is stored, `[columns, rows]`.
  let stored: TensorView

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    let (columns, rows) = (stored.shape[0], stored.shape[1])
    try withBytes(0..<stored.byteCount, of: stored) { bytes in
      unsafe output.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { source in
          // Rows that are asked for together lie together in the file.
          for column in 0..<columns {
            let first = (range.lowerBound - column + columns - 1) / columns
            let end = (range.upperBound - column + columns - 1) / columns
            var place = first * columns + column - range.lowerBound
            for row in first..<end {
              unsafe target[place] = source[column * rows + row]
              place += columns
            }
          }
        }
      }
    }
  }
}

extension TensorView {
  /// The matrix with its axes exchanged, whose elements have a byte each.
  package var transposed: TensorView {
    precondition(shape.count == 2 && dtype.bitCount == 8, "a matrix of bytes")
    return TensorView(
      name: name, dtype: dtype, shape: [shape[1], shape[0]],
      content: TransposedContent(file: file ?? "", stored: self))
  }
}
