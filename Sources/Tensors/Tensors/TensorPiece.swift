package import Elements

/// A run of elements of a tensor, and what they are multiplied by.
public struct TensorPiece: Sendable {
  /// The tensor.
  public let tensor: TensorView
  /// Which of its elements, row-major.
  public let elements: Range<Int>
  /// What its elements are multiplied by to give the weight; nil for nothing.
  public let scale: StoredScale?

  /// Some elements of a tensor.
  public init(tensor: TensorView, elements: Range<Int>, scale: StoredScale? = nil) {
    self.tensor = tensor
    self.elements = elements
    self.scale = scale
  }

  /// All elements of a tensor.
  public init(_ tensor: TensorView, scale: StoredScale? = nil) {
    self.init(tensor: tensor, elements: 0..<tensor.elementCount, scale: scale)
  }

  /// Some of its elements, counted from its first.
  package func part(_ range: Range<Int>) -> TensorPiece {
    let first = elements.lowerBound
    return TensorPiece(
      tensor: tensor, elements: first + range.lowerBound..<first + range.upperBound, scale: scale)
  }

  /// How the bytes of ``withStoredBytes(_:)`` hold the elements: as the file does, but for blocks that
  /// are begun or ended within, and such as can't be decoded, which are given as the tensor has them.
  package var storedEncoding: Encoding {
    guard case .blocks(let type) = tensor.encoding, type.isDecodable,
      elements.lowerBound.isMultiple(of: type.elementCount),
      elements.upperBound.isMultiple(of: type.elementCount)
    else { return .elements(tensor.dtype) }
    return .blocks(type)
  }

  /// Runs the body with the bytes that hold the elements; see ``storedEncoding``. Those that have to be
  /// made are made for this call.
  package func withStoredBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    let encoding = storedEncoding
    guard case .blocks = encoding, let codes = tensor.blocks?.codes else {
      return try tensor.withBytes(encoding.byteRange(of: elements), body)
    }
    return try codes.withBytes(encoding.byteRange(of: elements), body)
  }

  /// What stored elements are multiplied by, where that is all that is done and these are rows of the tensor.
  ///
  /// - Parameter width: elements of a row.
  /// - Returns: one number, or as many for every row; nil where they are made in another way.
  package func factorsOfRows(_ width: Int) -> [Float]? {
    guard let scale, tensor.content == nil, width > 0, elements.lowerBound.isMultiple(of: width),
      elements.upperBound.isMultiple(of: width)
    else { return nil }
    return scale.factorsOfRows(elements.lowerBound / width..<elements.upperBound / width, width)
  }

  /// The values of some of the tensor's elements, in float32, with the scale applied.
  ///
  /// - Parameters:
  ///   - range: elements of the tensor.
  ///   - output: as many values.
  /// - Throws: when the input can't be read, or a factor is no number.
  package func widen(_ range: Range<Int>, into output: inout MutableSpan<Float>) throws {
    try tensor.widen(range, into: &output)
    try scale?.apply(to: &output, from: range.lowerBound)
  }
}

extension [TensorPiece] {
  /// The pieces that make a range of the elements of all: each with the range of its tensor, and
  /// where that begins in the asked range.
  package func overlapping(
    _ elements: Range<Int>
  ) -> [(piece: TensorPiece, range: Range<Int>, position: Int)] {
    var found: [(piece: TensorPiece, range: Range<Int>, position: Int)] = []
    var first = 0
    for piece in self {
      let place = first..<first + piece.elements.count
      let part = place.clamped(to: elements)
      if !part.isEmpty {
        let start = piece.elements.lowerBound + part.lowerBound - first
        found.append((piece, start..<start + part.count, part.lowerBound - elements.lowerBound))
      }
      first = place.upperBound
    }
    return found
  }

  /// The only piece that a range lies in, and the range of its tensor; nil when several make it.
  package func first(covering elements: Range<Int>) -> (piece: TensorPiece, range: Range<Int>)? {
    let found = overlapping(elements)
    return found.count == 1 ? (found[0].piece, found[0].range) : nil
  }

  /// The pieces with those made one that follow each other in one tensor.
  package func joined() -> [TensorPiece] {
    var joined: [TensorPiece] = []
    for piece in self {
      if let last = joined.last, last.tensor.isSameStorage(as: piece.tensor),
        last.elements.upperBound == piece.elements.lowerBound
      {
        joined[joined.count - 1] = TensorPiece(
          tensor: last.tensor, elements: last.elements.lowerBound..<piece.elements.upperBound,
          scale: last.scale)
      } else {
        joined.append(piece)
      }
    }
    return joined
  }
}
