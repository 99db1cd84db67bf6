internal import Elements

/// What the header of a GGUF file says of a tensor.
public struct GGUFEntry: Sendable, Equatable {
  /// Name in the file.
  public let name: String
  /// How its elements are stored.
  public let type: GGUFType
  /// Sizes, outermost first, which is the reverse of the file's order; `[]` is a scalar.
  public let shape: [Int]
  /// Where its bytes lie in the file that it was read from.
  public internal(set) var byteRange: Range<Int> = 0..<0

  /// A tensor of this name, type and shape.
  public init(name: String, type: GGUFType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  /// Number of bytes; nil for a shape without a size, or whose rows end inside a block.
  public var byteCount: Int? { try? type.byteCount(shape: shape) }
}
