internal import Elements
internal import Tensors

extension TensorPiece {
  /// The values of some of the tensor's elements, in float32, with the scale applied.
  ///
  /// - Parameters:
  ///   - range: elements of the tensor.
  ///   - output: as many values.
  /// - Throws: when the input can't be read.
  func widen(_ range: Range<Int>, into output: inout MutableSpan<Float>) throws {
    let width = tensor.dtype.bitCount / 8
    try tensor.withBytes(range.lowerBound * width..<range.upperBound * width) { bytes in
      Elements.widen(bytes, from: tensor.dtype, into: &output)
    }
    scale?.apply(to: &output, from: range.lowerBound)
  }
}

extension [TensorPiece] {
  /// The pieces that make a range of the elements of all: each with the range of its tensor, and
  /// where that begins in the asked range.
  func overlapping(
    _ elements: Range<Int>
  ) -> [(piece: TensorPiece, range: Range<Int>, position: Int)] {
    var found: [(piece: TensorPiece, range: Range<Int>, position: Int)] = []
    var first = 0
    for piece in self {
      let own = first..<first + piece.elements.count
      let part = own.clamped(to: elements)
      if !part.isEmpty {
        let start = piece.elements.lowerBound + part.lowerBound - first
        found.append((piece, start..<start + part.count, part.lowerBound - elements.lowerBound))
      }
      first = own.upperBound
    }
    return found
  }

  /// The only piece that a range lies in, and the range of its tensor; nil when several make it.
  func first(covering elements: Range<Int>) -> (piece: TensorPiece, range: Range<Int>)? {
    let found = overlapping(elements)
    return found.count == 1 ? (found[0].piece, found[0].range) : nil
  }
}

/// Copies bytes to the start of others.
func copyBytes(_ bytes: RawSpan, into output: inout MutableRawSpan) {
  unsafe bytes.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
  }
}

extension DType {
  /// The largest finite number of an eight-bit type.
  ///
  /// Source: OCP 8-bit Floating Point Specification (OFP8) 1.0, table 1.
  var largestNumber: Float {
    switch self {
    case .f8E4M3: 448
    case .f8E5M2: 57344
    default: preconditionFailure("\(rawValue) is not scaled")
    }
  }
}
