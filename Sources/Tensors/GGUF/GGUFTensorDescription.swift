public import Elements

/// What a header says of a tensor that is to be written.
public struct GGUFTensorDescription: Sendable, Equatable {
  /// Name in the file.
  public let name: String
  /// How its elements are stored.
  public let type: GGUFType
  /// Sizes, outermost first; the file has them the other way round.
  public let shape: [Int]

  /// A tensor of this name, type and shape.
  public init(name: String, type: GGUFType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  /// Number of bytes; nil for a shape without a size, or whose rows end inside a block.
  public var byteCount: Int? { try? type.byteCount(shape: shape) }
}
