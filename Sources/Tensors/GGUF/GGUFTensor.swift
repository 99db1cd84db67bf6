public import Elements

/// A tensor of a GGUF file: what the header says of it.
public struct GGUFTensor: Sendable, Equatable {
  /// Name in the file.
  public let name: String
  /// How its elements are stored.
  public let type: GGUFType
  /// Sizes, outermost first, which is the reverse of the file's order; `[]` is a scalar.
  public let shape: [Int]
  /// Where its bytes begin, counted from the start of the data.
  public let offset: Int
  /// Number of bytes.
  public let byteCount: Int
  /// Where its bytes lie in the file.
  public private(set) var byteRange: Range<Int> = 0..<0

  /// A tensor that isn't placed yet.
  init(name: String, type: GGUFType, shape: [Int], offset: Int, byteCount: Int) {
    self.name = name
    self.type = type
    self.shape = shape
    self.offset = offset
    self.byteCount = byteCount
  }

  mutating func place(at start: Int) { byteRange = start..<start + byteCount }
}
