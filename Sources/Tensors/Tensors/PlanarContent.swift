internal import Elements
internal import Files
internal import SystemPackage

/// Codes of four or two bits, a byte each: the low bits of all bytes, then the next bits of all, and so on.
///
/// **Source:** huggingface/optimum-quanto 0.2.7, `optimum/quanto/tensor/packed.py`, `pack_weights`.
struct PlanarContent: TensorContent {
  let file: FilePath
  /// The bytes that hold them.
  let packed: TensorView
  /// Bits of a code.
  let bits: Int

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    let length = packed.byteCount
    var position = range.lowerBound
    while position < range.upperBound {
      let (plane, start) = position.quotientAndRemainder(dividingBy: length)
      let count = min(length - start, range.upperBound - position)
      let (shift, mask) = (UInt8(plane * bits), UInt8(1 << bits - 1))
      let done = position - range.lowerBound
      try withBytes(start..<start + count, of: packed) { bytes in
        unsafe output.withUnsafeMutableBytes { target in
          unsafe bytes.withUnsafeBytes { source in
            for index in 0..<count {
              unsafe target[done + index] = source[index] >> shift & mask
            }
          }
        }
      }
      position += count
    }
  }
}

extension TensorView {
  /// Codes of a few bits as bytes.
  ///
  /// - Parameters:
  ///   - bits: of a code, 4 or 2.
  ///   - count: how many codes; no more than this tensor's bytes hold.
  /// - Returns: the codes as U8, `[count]`.
  package func planes(ofBits bits: Int, count: Int) -> TensorView {
    precondition(count * bits <= byteCount * 8, "as many codes as the bytes hold")
    return TensorView(
      name: name, dtype: .u8, shape: [count],
      content: PlanarContent(file: file ?? "", packed: self, bits: bits))
  }
}
