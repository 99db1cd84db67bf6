internal import Elements
internal import Files
internal import SystemPackage

/// The elements of a tensor of another floating type as F32.
struct WidenedContent: TensorContent {
  let file: FilePath
  /// The tensor, of a type that ``DType/isWidenable`` holds for.
  let tensor: TensorView

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    let size = MemoryLayout<Float>.size
    // Elements of which the range has some bytes.
    let elements = range.lowerBound / size..<(range.upperBound + size - 1) / size
    let skipped = range.lowerBound - elements.lowerBound * size
    let own = tensor.dtype.byteRange(of: elements)
    try withBytes(own, of: tensor) { bytes in
      var numbers = [Float](repeating: 0, count: elements.count)
      var span = numbers.mutableSpan
      widen(bytes, from: tensor.dtype, into: &span)
      unsafe output.withUnsafeMutableBytes { target in
        unsafe numbers.withUnsafeBytes { source in
          let part = unsafe source[skipped..<skipped + range.count]
          unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
        }
      }
    }
  }
}

extension TensorView {
  /// The same elements as F32, each of the same number; the type's numbers are all float32's.
  func widened() -> TensorView {
    if dtype == .f32 { return self }
    precondition(dtype.isWidenable && dtype.groupLength == 1, "a type of whole bytes that is read")
    return TensorView(
      name: name, dtype: .f32, shape: shape,
      content: WidenedContent(file: file ?? "", tensor: self))
  }
}
