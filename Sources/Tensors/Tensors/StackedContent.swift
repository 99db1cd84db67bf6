internal import Elements
internal import Files
internal import SystemPackage

/// The bytes of a tensor that a file keeps in several of one shape: runs of equal length, one of each in turn.
struct StackedContent: TensorContent {
  let file: FilePath
  /// The tensors in the order of their runs.
  let parts: [TensorView]
  /// Bytes of a run.
  let runByteCount: Int

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    var position = range.lowerBound
    while position < range.upperBound {
      let (run, skipped) = position.quotientAndRemainder(dividingBy: runByteCount)
      let count = min(runByteCount - skipped, range.upperBound - position)
      let start = run / parts.count * runByteCount + skipped
      let done = position - range.lowerBound
      var target = output._mutatingExtracting(done..<done + count)
      try withBytes(start..<start + count, of: parts[run % parts.count]) { bytes in
        unsafe target.withUnsafeMutableBytes { target in
          unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
      }
      position += count
    }
  }
}

extension TensorView {
  /// Several tensors as one, whose bytes are put together when they are asked for. Those of different types become
  /// F32, which has all of their numbers.
  ///
  /// - Parameters:
  ///   - parts: at least one, none empty.
  ///   - axis: of the new tensor, along which they stand as slices; nil for rows one below the other.
  ///   - name: of the new tensor.
  /// - Returns: nil where they are not of one shape, are of different types of which one isn't read, or have no such
  ///   axis.
  package static func stacked(_ parts: [TensorView], axis: Int?, named name: String) -> TensorView?
  {
    guard let first = parts.first, let rows = first.shape.first, first.elementCount > 0,
      axis ?? 0 <= first.shape.count, parts.allSatisfy({ $0.shape == first.shape })
    else { return nil }
    var shape = first.shape
    if let axis { shape.insert(parts.count, at: axis) } else { shape[0] = rows * parts.count }
    let run = axis.map { first.shape.dropFirst($0).elementCount } ?? first.elementCount
    let file = first.file ?? ""
    if case .blocks(let type) = first.encoding, run.isMultiple(of: type.elementCount),
      parts.allSatisfy({ $0.encoding == first.encoding })
    {
      let codes = parts.compactMap { $0.blocks?.codes }
      let content = StackedContent(
        file: file, parts: codes, runByteCount: run / type.elementCount * type.byteCount)
      let byteCount = codes.reduce(0) { $0 + $1.byteCount }
      let bytes = TensorView(name: name, dtype: .u8, shape: [byteCount], content: content)
      return TensorView(name: name, shape: shape, codes: bytes, type: type)
    }
    let isOne = parts.allSatisfy { $0.encoding == first.encoding }
    guard parts.allSatisfy({ $0.dtype.groupLength == 1 && (isOne || $0.encoding.isWidenable) })
    else { return nil }
    let own = isOne ? parts : parts.map { $0.widened() }
    return TensorView(
      name: name, dtype: own[0].dtype, shape: shape,
      content: StackedContent(
        file: file, parts: own, runByteCount: own[0].dtype.byteCount(elements: run)))
  }
}
