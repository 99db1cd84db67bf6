public import Elements

/// A parameter of a model as files store it: bytes, how they are encoded, and what they are multiplied
/// by. The only place where stored bytes become the numbers that they stand for.
public struct StoredWeight: Sendable {
  /// Sizes, outermost first.
  public let shape: [Int]
  /// Where its elements are, one run after the other.
  public let pieces: [TensorPiece]

  /// A parameter made of these pieces, which together have as many elements as the shape.
  public init(shape: [Int], pieces: [TensorPiece]) {
    precondition(
      pieces.reduce(0) { $0 + $1.elements.count } == shape.elementCount,
      "pieces and shape must agree")
    self.shape = shape
    self.pieces = pieces.joined()
  }

  /// A whole tensor, with its scale.
  public init(_ tensor: TensorView, scale: StoredScale? = nil) {
    self.init(shape: tensor.shape, pieces: [TensorPiece(tensor, scale: scale)])
  }

  /// Number of elements.
  public var elementCount: Int { shape.elementCount }

  /// Whether the elements can be had as float32 numbers.
  public var isWidenable: Bool {
    pieces.allSatisfy { $0.tensor.dtype.isWidenable && $0.tensor.encoding.isWidenable }
  }

  /// How the file stores its elements; nil when its pieces differ.
  public var encoding: Encoding? {
    let found = Set(pieces.map(\.tensor.encoding))
    return found.count == 1 ? found.first : nil
  }

  /// Whether any element is multiplied by a stored scale.
  public var isScaled: Bool { pieces.contains { $0.scale != nil } }

  /// Whether every element is a bfloat16 number, whatever its bytes are.
  package var isBFloat16: Bool {
    pieces.allSatisfy { piece in
      switch piece.tensor.encoding {
      case .elements(.bf16), .elements(.f8E4M3), .elements(.f8E5M2): piece.scale == nil
      default: false
      }
    }
  }

  /// Whether every element's bytes are in a mapped file or in memory, so that any part can be had for
  /// its own cost; else parts are decompressed with what stands around them.
  public var isAtHand: Bool {
    pieces.allSatisfy { ($0.tensor.blocks?.codes ?? $0.tensor).content == nil }
  }

  /// Has the system read its tensors, which will be needed soon, and doesn't wait for it.
  package func willNeed() { for piece in pieces { piece.tensor.willNeed() } }

  /// How many elements along a row can only be had together.
  package var groupLength: Int {
    pieces.map { max($0.tensor.encoding.groupLength, $0.scale?.groupLength ?? 1) }.max() ?? 1
  }

  /// The rows (first axis) in a range, with their bytes made and kept in memory, as they are stored.
  ///
  /// - Throws: when they can't be made.
  package func madeRows(_ range: Range<Int>) throws -> StoredWeight {
    let stored = rows(range)
    let made = try stored.pieces.map { piece in
      let tensor = piece.tensor
      let view = try tensor.withBytes(tensor.dtype.byteRange(of: piece.elements)) {
        TensorView(
          name: tensor.name, dtype: tensor.dtype, shape: [piece.elements.count], copying: $0)
      }
      return TensorPiece(view, scale: piece.scale?.from(piece.elements.lowerBound))
    }
    return StoredWeight(shape: stored.shape, pieces: made)
  }

  /// The values of some elements in float32, scales applied.
  ///
  /// - Parameters:
  ///   - elements: which, row-major.
  ///   - output: as many values.
  /// - Throws: when bytes that have to be made can't be.
  public func widen(_ elements: Range<Int>, into output: inout MutableSpan<Float>) throws {
    if pieces.count == 1 {
      let first = pieces[0].elements.lowerBound
      return try pieces[0].widen(
        first + elements.lowerBound..<first + elements.upperBound, into: &output)
    }
    for (piece, range, position) in pieces.overlapping(elements) {
      var part = output._mutatingExtracting(position..<position + range.count)
      try piece.widen(range, into: &part)
    }
  }

  /// The tensor that holds some elements as they are, and the range of its bytes; nil when they are in
  /// several places, are multiplied by a scale, or have to be made.
  public func bytesInPlace(_ elements: Range<Int>) -> (tensor: TensorView, range: Range<Int>)? {
    guard let (piece, range) = pieces.first(covering: elements), piece.scale == nil,
      piece.tensor.content == nil
    else { return nil }
    return (piece.tensor, piece.tensor.dtype.byteRange(of: range))
  }

  /// The rows (first axis) in a range, as a parameter of their own.
  public func rows(_ range: Range<Int>) -> StoredWeight {
    let width = shape.dropFirst().elementCount
    let parts = pieces.overlapping(range.lowerBound * width..<range.upperBound * width)
    return StoredWeight(
      shape: [range.count] + shape.dropFirst(),
      pieces: parts.map {
        TensorPiece(tensor: $0.piece.tensor, elements: $0.range, scale: $0.piece.scale)
      })
  }

  /// All values in float32, for small parameters.
  public func floats() throws -> [Float] {
    try unsafe [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
      unsafe buffer.initialize(repeating: 0)
      var span = unsafe MutableSpan(_unsafeElements: buffer)
      try widen(0..<elementCount, into: &span)
      count = buffer.count
    }
  }
}
